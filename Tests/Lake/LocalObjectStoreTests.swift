import Foundation
import Lake
import MarketData
import Runtime
import Synchronization
import Testing

/// What a local folder promises beyond the contract of every store.
@Suite(.timeLimit(.minutes(1)))
struct LocalObjectStoreTests {
    struct FixedClock: WallClock {
        let instant: Instant
        func now() -> Instant { instant }
    }

    /// Stands where ``modified`` is, until it is moved.
    final class MovedClock: WallClock {
        private let time = Mutex(Instant(microseconds: 1_700_000_000_000_000))

        func now() -> Instant { time.withLock { $0 } }

        func move(seconds: Int64) { time.withLock { $0 = $0.adding(microseconds: seconds * 1_000_000) } }
    }

    static let modified = Date(timeIntervalSince1970: 1_700_000_000)

    private func leaveTemporaryFile(in root: URL) throws -> URL {
        let file = root.appending(path: ".tmp/4711-1-crash")
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data([1, 2]).write(to: file)
        try FileManager.default.setAttributes([.modificationDate: Self.modified], ofItemAtPath: file.path)
        return file
    }

    @Test(arguments: [(seconds: 3601, isRemoved: true), (seconds: 3599, isRemoved: false)])
    func `what a crash left is removed once no put can still be writing it`(seconds: Int64, isRemoved: Bool)
        async throws
    {
        try await withTemporaryFolder { root in
            let leftover = try leaveTemporaryFile(in: root)
            let clock = FixedClock(instant: Instant(microseconds: (1_700_000_000 + seconds) * 1_000_000))
            let store = LocalObjectStore(root: root.path, clock: clock)
            try await store.put([1], at: "raw/a")
            #expect(FileManager.default.fileExists(atPath: leftover.path) != isRemoved)
        }
    }

    @Test
    func `a process that runs for long removes later crashes' files too`() async throws {
        try await withTemporaryFolder { root in
            let clock = MovedClock()
            let store = LocalObjectStore(root: root.path, clock: clock)
            try await store.put([1], at: "raw/a")
            let leftover = try leaveTemporaryFile(in: root)
            clock.move(seconds: 3599)
            try await store.put([2], at: "raw/b")
            #expect(FileManager.default.fileExists(atPath: leftover.path))
            clock.move(seconds: 2)
            try await store.put([3], at: "raw/c")
            #expect(!FileManager.default.fileExists(atPath: leftover.path))
        }
    }

    @Test
    func `what a crash left is never listed`() async throws {
        try await withTemporaryFolder { root in
            _ = try leaveTemporaryFile(in: root)
            #expect(try await LocalObjectStore(root: root.path).list(prefix: "", after: nil, limit: 9).isEmpty)
        }
    }

    @Test
    func `a put leaves no temporary file, whether it succeeds or not`() async throws {
        try await withTemporaryFolder { root in
            let store = LocalObjectStore(root: root.path)
            try await store.put([1], at: "raw/a")
            try await store.put([1], at: "raw/a")
            _ = await #expect(throws: StoreError.self) { try await store.put([2], at: "raw/a") }
            _ = await #expect(throws: StoreError.self) { try await store.put([2], at: "raw/a/b") }
            #expect(try FileManager.default.contentsOfDirectory(atPath: root.appending(path: ".tmp").path).isEmpty)
        }
    }

    @Test
    func `the store's own folder cannot be a key`() async throws {
        try await withTemporaryFolder { root in
            let store = LocalObjectStore(root: root.path)
            let error = await #expect(throws: StoreError.self) { try await store.put([1], at: ".tmp/a") }
            #expect(error?.kind == .forbiddenKey)
            try await store.put([1], at: "raw/.tmp/a")
            #expect(try await store.size(of: "raw/.tmp/a") == 1)
        }
    }

    @Test
    func `a key below another object is refused`() async throws {
        try await withTemporaryFolder { root in
            let store = LocalObjectStore(root: root.path)
            try await store.put([1], at: "raw/a")
            let error = await #expect(throws: StoreError.self) { try await store.put([1], at: "raw/a/b") }
            #expect(error?.kind == .forbiddenKey)
        }
    }

    @Test
    func `folders that vanish are made again`() async throws {
        try await withTemporaryFolder { root in
            let store = LocalObjectStore(root: root.appending(path: "deep/lake").path)
            try await store.put([1], at: "raw/quotes/a")
            try FileManager.default.removeItem(at: root.appending(path: "deep/lake/raw"))
            try await store.put([2], at: "raw/quotes/b")
            #expect(try await store.list(prefix: "", after: nil, limit: 9).map(\.key) == ["raw/quotes/b"])
        }
    }

    @Test(arguments: [true, false])
    func `the store's own folder is not made again once it was there, since it may come back`(isMade: Bool)
        async throws
    {
        try await withTemporaryFolder { folder in
            let root = folder.appending(path: "lake")
            let away = folder.appending(path: "away")
            if !isMade { try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true) }
            let store = LocalObjectStore(root: root.path)
            if isMade { try await store.put([1], at: "raw/a") }
            try FileManager.default.moveItem(at: root, to: away)
            let error = await #expect(throws: StoreError.self) { try await store.put([2], at: "raw/b") }
            #expect(error?.kind == .unavailable)
            try FileManager.default.moveItem(at: away, to: root)
            try await store.put([2], at: "raw/b")
            #expect(
                try await store.list(prefix: "", after: nil, limit: 9).map(\.key) == (isMade ? ["raw/a"] : []) + [
                    "raw/b"
                ])
        }
    }

    @Test
    func `where the store's own folder is missing, nothing is said to be absent`() async throws {
        try await withTemporaryFolder { root in
            let store = LocalObjectStore(root: root.appending(path: "not-mounted").path)
            let asked: [() async throws -> Void] = [
                { _ = try await store.read("raw/a") }, { _ = try await store.size(of: "raw/a") },
                { _ = try await store.list(prefix: "raw/", after: nil, limit: 9) },
            ]
            for ask in asked {
                let error = await #expect(throws: StoreError.self) { try await ask() }
                #expect(error?.kind == .unavailable)
            }
        }
    }

    @Test
    func `the bucket is the folder's name and the location an absolute path`() {
        let store = LocalObjectStore(root: "/data/lake/")
        #expect(store.bucket == "lake")
        #expect(store.location(of: "raw/a") == "/data/lake/raw/a")
        #expect(LocalObjectStore(root: "/data/lake", bucket: "other").bucket == "other")
        #expect(LocalObjectStore(root: "lake").location(of: "a").hasPrefix("/"))
    }

    @Test
    func `a store that cannot be written says so, and may be tried again`() async throws {
        // The kernel's own folder refuses new folders to everybody, root included.
        let store = LocalObjectStore(root: "/proc/pregao")
        let error = await #expect(throws: StoreError.self) { try await store.put([1], at: "raw/a") }
        #expect(error?.kind == .unavailable)
        #expect(error?.doing == "put /proc/pregao/raw/a")
    }
}
