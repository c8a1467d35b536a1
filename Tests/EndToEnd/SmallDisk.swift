import Foundation

/// A disk of its own (tmpfs) for one folder of a pipeline, which can be filled, made read-only, and taken away.
///
/// Mounting needs root; where it is refused, the test fails.
final class SmallDisk {
    enum Trouble: String, CaseIterable { case full, readOnly, away }

    private let mountPoint: URL
    private var folder: URL { mountPoint.appending(path: "folder") }
    private var hidden: URL { mountPoint.appending(path: "away") }
    private var ballast: URL { mountPoint.appending(path: "ballast") }

    /// - Parameter link: the folder that is to lie on the disk; it becomes a link to it.
    init(_ mountPoint: URL, linkedFrom link: URL, mebibytes: Int = 64) throws {
        self.mountPoint = mountPoint
        try FileManager.default.createDirectory(at: mountPoint, withIntermediateDirectories: true)
        guard mount("tmpfs", mountPoint.path, "tmpfs", 0, "size=\(mebibytes)m") == 0 else {
            throw Self.fault("mount \(mountPoint.path)")
        }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        try FileManager.default.createDirectory(
            at: link.deletingLastPathComponent(), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(at: link, withDestinationURL: folder)
    }

    func begin(_ trouble: Trouble) async throws {
        switch trouble {
        case .full: try fill()
        case .readOnly: try await remount(UInt(MS_RDONLY))
        case .away: try FileManager.default.moveItem(at: folder, to: hidden)
        }
    }

    func end(_ trouble: Trouble) async throws {
        switch trouble {
        case .full: try FileManager.default.removeItem(at: ballast)
        case .readOnly: try await remount(0)
        case .away: try FileManager.default.moveItem(at: hidden, to: folder)
        }
    }

    func remove() { umount2(mountPoint.path, Int32(MNT_DETACH)) }

    private func fill() throws {
        let file = open(ballast.path, O_WRONLY | O_CREAT, 0o644)
        guard file >= 0 else { throw Self.fault("open \(ballast.path)") }
        defer { close(file) }
        // Down to the last page.
        for size in [1 << 20, 4096] {
            let zeros = [UInt8](repeating: 0, count: size)
            while write(file, zeros, size) > 0 {}
            guard errno == ENOSPC else { throw Self.fault("fill \(ballast.path)") }
        }
    }

    /// A disk cannot become read-only while a file on it is being written.
    private func remount(_ flags: UInt) async throws {
        try await eventually("remounting \(mountPoint.path)") {
            if mount(nil, mountPoint.path, nil, UInt(MS_REMOUNT) | flags, nil) == 0 { return true }
            guard errno == EBUSY else { throw Self.fault("remount \(mountPoint.path)") }
            return false
        }
    }

    private static func fault(_ doing: String) -> HarnessFault {
        HarnessFault("\(doing): \(String(cString: strerror(errno)))")
    }
}
