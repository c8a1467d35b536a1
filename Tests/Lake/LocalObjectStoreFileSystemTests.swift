import Foundation
import Lake
import Testing

/// Full and read-only file systems: real ones of a megabyte, which only root can mount.
@Suite(.enabled(if: geteuid() == 0, "mounting needs root"), .timeLimit(.minutes(1)))
struct LocalObjectStoreFileSystemTests {
    private func mount(_ arguments: [String]) throws -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/mount")
        process.arguments = arguments
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    private func withFileSystem(_ body: (URL) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            guard try mount(["-t", "tmpfs", "-o", "size=1m", "none", folder.path]) else {
                try Test.cancel("this system does not let root mount")
            }
            defer { umount2(folder.path, Int32(MNT_DETACH)) }
            try await body(folder)
        }
    }

    @Test
    func `a full disk is reported, leaves nothing behind, and a smaller object still fits`() async throws {
        try await withFileSystem { root in
            let store = LocalObjectStore(root: root.path)
            let large = [UInt8](repeating: 1, count: 2 << 20)
            let error = await #expect(throws: StoreError.self) { try await store.put(large, at: "raw/large") }
            #expect(error?.kind == .unavailable)
            #expect(error?.cause == "write: No space left on device")
            #expect(try await store.size(of: "raw/large") == nil)
            try await store.put([UInt8](repeating: 1, count: 512 << 10), at: "raw/small")
            #expect(try await store.size(of: "raw/small") == 512 << 10)
        }
    }

    @Test
    func `a read-only folder refuses writing and still reads`() async throws {
        try await withFileSystem { root in
            let store = LocalObjectStore(root: root.path)
            try await store.put([1], at: "raw/a")
            try #require(try mount(["-o", "remount,ro", root.path]))
            let put = await #expect(throws: StoreError.self) { try await store.put([1], at: "raw/b") }
            let remove = await #expect(throws: StoreError.self) { try await store.remove("raw/a") }
            for error in [put, remove] {
                #expect(error?.kind == .unavailable)
                #expect(error?.cause.hasSuffix("Read-only file system") == true)
            }
            #expect(try await store.read("raw/a") == [1])
        }
    }
}
