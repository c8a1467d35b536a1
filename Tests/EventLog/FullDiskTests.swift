import Foundation
import MarketData
import Testing

@testable import EventLog

@Suite(.timeLimit(.minutes(1)))
struct FullDiskTests {
    @Test
    func `a log at its limit refuses appends and commits whole, and takes them again when retention has made room`()
        async throws
    {
        let scratch = try Scratch()
        let log = try await scratch.open(retention: .delete(age: nil, bytes: 0)) { $0.maximumFileBytes = 1 << 20 }
        let owner = try await log.join(group: "readers", instance: "a", topics: ["numbers"])
        _ = try await owner.untilAssigned()
        let count = try await fill(log)
        #expect(count > 300)

        let large = (0..<1000).map { message($0, bytes: 1000) }
        let error = await #expect(throws: LogError.self) {
            try await owner.commit(CommitBatch(from: 0, to: Offset(count), appends: large))
        }
        #expect(error?.kind == .cannotWrite)
        #expect(try await log.committed(group: "readers") == [:])
        #expect(try await log.numbers() == Array(0..<count))

        try await log.applyRetention(now: scratch.wallClock.now())
        #expect(try await log.numbers() == [])
        #expect(try await log.append([message(1, bytes: 1000)]).map(\.offset) == [Offset(count)])
        _ = try await owner.commit(CommitBatch(from: 0, to: Offset(count)))
        await log.close()
    }

    @Test
    func `space that retention frees is used again, so that the file does not grow without end`() async throws {
        let scratch = try Scratch()
        let log = try await scratch.open(retention: .delete(age: nil, bytes: 10_000)) {
            $0.checkpointBytes = 1 << 16
        }
        var sizes: [Int] = []
        for _ in 0..<10 {
            _ = try await log.append((0..<1000).map { message($0, bytes: 500) })
            try await log.applyRetention(now: scratch.wallClock.now())
            sizes.append(try #require(scratch.size(of: "")))
        }
        #expect(sizes[9] <= sizes[2] + sizes[2] / 4)
        await log.close()
    }

    @Test(.enabled(if: TinyDisk.canBeMounted, "mounting a file system needs root"))
    func `a full disk refuses appends whole, and takes them again once there is room`() async throws {
        let scratch = try Scratch()
        let disk = try TinyDisk(at: scratch.folder)
        defer { disk.unmount() }
        let ballast = scratch.folder.appending(path: "ballast")
        try Data(count: 1 << 20).write(to: ballast)
        let log = try await scratch.open()
        let count = try await fill(log)
        #expect(try await log.numbers() == Array(0..<count))

        try FileManager.default.removeItem(at: ballast)
        #expect(try await log.append([message(count, bytes: 1000)]).map(\.offset) == [Offset(count)])
        #expect(try await log.numbers() == Array(0...count))
        await log.close()
        let again = try await scratch.open()
        #expect(try await again.numbers() == Array(0...count))
        await again.close()
    }

    @Test(.enabled(if: ReadOnlyFolder.canBeMade, "the file system knows no immutable folders"))
    func `in a folder that cannot be written the log is not made, and the error says where`() async throws {
        let scratch = try Scratch()
        let folder = try ReadOnlyFolder(scratch.folder)
        defer { folder.makeWritable() }
        let error = await #expect(throws: LogError.self) { try await scratch.open() }
        #expect(error?.kind == .cannotWrite)
        #expect(error?.description.contains(scratch.path) == true)
    }

    @Test
    func `a log below what is a file, not a folder, cannot be written`() async throws {
        let scratch = try Scratch()
        try Data().write(to: scratch.folder.appending(path: "file"))
        let error = await #expect(throws: LogError.self) {
            _ = try await SQLiteEventLog.open(at: scratch.folder.path + "/file/log.sqlite", clock: scratch.wallClock)
        }
        #expect(error?.kind == .cannotWrite)
    }

    /// Appends until there is no room; every append is of three messages.
    ///
    /// - Returns: how many messages were acknowledged.
    private func fill(_ log: SQLiteEventLog) async throws -> Int {
        var count = 0
        while true {
            do {
                _ = try await log.append((0..<3).map { message(count + $0, bytes: 1000) })
                count += 3
            } catch {
                #expect(error.kind == .cannotWrite)
                return count
            }
        }
    }
}

extension Scratch {
    /// The size of the log's file, or of the one beside it with that suffix.
    func size(of suffix: String) -> Int? {
        try? FileManager.default.attributesOfItem(atPath: path + suffix)[.size] as? Int
    }
}

/// A file system of 2 MiB.
struct TinyDisk {
    private let folder: URL

    init(at folder: URL) throws {
        self.folder = folder
        try run("/bin/mount", ["-t", "tmpfs", "-o", "size=2m", "tmpfs", folder.path])
    }

    func unmount() { try? run("/bin/umount", ["--lazy", folder.path]) }

    static let canBeMounted: Bool = {
        guard let scratch = try? Scratch(), let disk = try? TinyDisk(at: scratch.folder) else { return false }
        disk.unmount()
        return true
    }()
}

/// A folder in which not even root can make files.
struct ReadOnlyFolder {
    private let folder: URL

    init(_ folder: URL) throws {
        self.folder = folder
        if geteuid() == 0 {
            try run("/usr/bin/chattr", ["+i", folder.path])
        } else {
            try run("/bin/chmod", ["a-w", folder.path])
        }
    }

    func makeWritable() {
        if geteuid() == 0 {
            try? run("/usr/bin/chattr", ["-i", folder.path])
        } else {
            try? run("/bin/chmod", ["u+w", folder.path])
        }
    }

    static let canBeMade: Bool = {
        guard let scratch = try? Scratch(), let folder = try? ReadOnlyFolder(scratch.folder) else { return false }
        folder.makeWritable()
        return true
    }()
}
