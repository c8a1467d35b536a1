import Foundation
import Lake
import Testing

/// What every object store promises.
@Suite(.timeLimit(.minutes(3)))
struct ObjectStoreContract {
    @Test(arguments: ObjectStoreFactory.all)
    func `what was put is read back, byte for byte`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            let bytes = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            try await store.put(bytes, at: "raw/quotes/dt=2026-11-21/one.parquet")
            #expect(try await store.read("raw/quotes/dt=2026-11-21/one.parquet") == bytes)
            #expect(try await store.size(of: "raw/quotes/dt=2026-11-21/one.parquet") == 300_000)
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `an object may be empty`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            try await store.put([], at: "nothing")
            #expect(try await store.read("nothing").isEmpty)
            #expect(try await store.size(of: "nothing") == 0)
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `putting the same bytes again succeeds`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            try await store.put([1, 2, 3], at: "raw/a")
            try await store.put([1, 2, 3], at: "raw/a")
            #expect(try await store.list(prefix: "", after: nil, limit: 10).map(\.key) == ["raw/a"])
        }
    }

    @Test(arguments: ObjectStoreFactory.all, [[1, 2, 4], [1, 2], [1, 2, 3, 4], []] as [[UInt8]])
    func `a key never holds other bytes than its first`(factory: ObjectStoreFactory, other: [UInt8]) async throws {
        try await factory.withStore { store in
            try await store.put([1, 2, 3], at: "raw/a")
            let error = await #expect(throws: StoreError.self) { try await store.put(other, at: "raw/a") }
            #expect(error?.kind == .differs)
            #expect(error?.doing.contains("raw/a") == true)
            #expect(try await store.read("raw/a") == [1, 2, 3])
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `of puts racing for one key with other bytes, exactly one wins`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            let winners = await withTaskGroup(of: UInt8?.self) { group in
                for writer in UInt8(0)..<8 {
                    group.addTask {
                        do { try await store.put([writer], at: "raw/raced") } catch { return nil }
                        return writer
                    }
                }
                return await group.reduce(into: []) { winners, winner in winners += winner.map { [$0] } ?? [] }
            }
            #expect(winners.count == 1)
            let content = try await store.read("raw/raced")
            #expect(content == winners)
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `puts racing for one key with the same bytes all succeed`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<8 { group.addTask { try await store.put([7], at: "raw/quotes/dt=2026-11-21/raced") } }
                try await group.waitForAll()
            }
            #expect(try await store.list(prefix: "", after: nil, limit: 10).count == 1)
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `what is not there has no size and cannot be read`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            try await store.put([1], at: "raw/a/b")
            for key in ["raw/c", "other/folder/c", "raw/a", "raw/a/b/c"] {
                #expect(try await store.size(of: key) == nil)
                let error = await #expect(throws: StoreError.self) { try await store.read(key) }
                #expect(error?.kind == .absent, "\(key)")
            }
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `a removed object is gone, and removing it again is no error`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            try await store.put([1], at: "raw/a")
            try await store.remove("raw/a")
            try await store.remove("raw/a")
            try await store.remove("never/was")
            #expect(try await store.size(of: "raw/a") == nil)
            try await store.put([2], at: "raw/a")
            #expect(try await store.read("raw/a") == [2])
        }
    }

    static let forbiddenKeys = [
        "", "/absolute", "..", "../outside", "raw/../../outside", "raw/./a", "raw//a", "raw/", "raw/a\u{0}b",
        "raw/a\nb",
        "raw/" + String(repeating: "é", count: 600),
    ]

    @Test(arguments: ObjectStoreFactory.all, forbiddenKeys)
    func `a key that is not a plain relative path is refused`(factory: ObjectStoreFactory, key: String) async throws {
        try await factory.withStore { store in
            let put = await #expect(throws: StoreError.self) { try await store.put([1], at: key) }
            let read = await #expect(throws: StoreError.self) { try await store.read(key) }
            let size = await #expect(throws: StoreError.self) { try await store.size(of: key) }
            let remove = await #expect(throws: StoreError.self) { try await store.remove(key) }
            for error in [put, read, size, remove] { #expect(error?.kind == .forbiddenKey) }
            let listed = try await store.list(prefix: "", after: nil, limit: 10)
            #expect(listed.isEmpty)
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `keys are listed in byte order, folders being part of the key`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            let keys = ["a-b", "a/b", "a/é", "a/z/1", "a0", "a~1/x", "b"]
            for key in keys.shuffled() { try await store.put(Array(key.utf8), at: key) }
            let listed = try await store.list(prefix: "", after: nil, limit: 100)
            #expect(listed.map(\.key) == ["a-b", "a/b", "a/z/1", "a/é", "a0", "a~1/x", "b"])
            #expect(listed.map(\.size) == listed.map { Int64($0.key.utf8.count) })
            #expect(listed.allSatisfy { $0.modified > 1_600_000_000_000_000 })
        }
    }

    @Test(arguments: ObjectStoreFactory.all, 1...4)
    func `pages join to the whole listing`(factory: ObjectStoreFactory, limit: Int) async throws {
        try await factory.withStore { store in
            let keys = ["raw/a-b", "raw/a/1", "raw/a/2", "raw/a/3/x", "raw/a0", "raw/b/1"]
            for key in keys + ["other/1", "raw2/1"] { try await store.put([1], at: key) }
            var pages: [String] = []
            while true {
                let page = try await store.list(prefix: "raw/", after: pages.last, limit: limit)
                #expect(page.count <= limit)
                if page.isEmpty { break }
                pages += page.map(\.key)
            }
            #expect(pages == keys)
        }
    }

    @Test(arguments: ObjectStoreFactory.all)
    func `a prefix may end inside a name`(factory: ObjectStoreFactory) async throws {
        try await factory.withStore { store in
            for key in ["raw/quotes/dt=1/a", "raw/quotes/dt=1/b", "raw/quotes-x/c", "raw/runs/d"] {
                try await store.put([1], at: key)
            }
            let keys = { (prefix: String) in try await store.list(prefix: prefix, after: nil, limit: 9).map(\.key) }
            #expect(try await keys("raw/quo") == ["raw/quotes-x/c", "raw/quotes/dt=1/a", "raw/quotes/dt=1/b"])
            #expect(try await keys("raw/quotes/dt=1/b") == ["raw/quotes/dt=1/b"])
            #expect(try await keys("raw/absent/") == [])
        }
    }
}
