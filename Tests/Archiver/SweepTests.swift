import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Archiver

@Suite("Sweep", .serialized, .timeLimit(.minutes(5)))
struct SweepTests {
    private struct FixedClock: WallClock {
        let instant: Instant

        func now() -> Instant { instant }
    }

    /// A sweep of `hours` after now.
    private func sweep(_ archive: Archive, hoursLater hours: Int64) async throws -> Sweep {
        let now = SystemWallClock().now().adding(microseconds: hours * 3_600_000_000)
        return Sweep(raw: archive.raw, catalog: try await archive.catalog(), clock: FixedClock(instant: now))
    }

    @Test("Only what the ledger does not have, can no longer be announced and is older than the grace is removed")
    func removes() async throws {
        try await Archive.with { archive in
            let registered = [try PreparedObject(0..<10), try PreparedObject(10..<20)]
            let refused = try PreparedObject(20..<30)
            for object in registered { try await archive.land(object) }
            try await archive.announce([refused])
            try await archive.liveUntilAllIsDone()
            // What a crash left of a range that was announced in another cut, and of the refused object.
            let orphan = try PreparedObject(0..<12, tag: "orphan")
            let announceable = try PreparedObject(30..<40, tag: "announceable")
            let otherPartition = try PreparedObject(0..<5, partition: 7)
            let otherLog = try PreparedObject(0..<10, epoch: "otherlog")
            for object in [orphan, announceable, otherPartition, otherLog, refused] {
                try await archive.raw.put(object.bytes, at: object.key)
            }
            let foreign = ["raw/prices/README.md", "raw/prices/dt=2026-11-21/by-hand.parquet"]
            for key in foreign { try await archive.raw.put([1], at: key) }
            try await archive.raw.put([2], at: "dead-letters/pregao.prices~logepoch-0-1-ffff.json")

            let young = try await sweep(archive, hoursLater: 23).run(removing: true)
            #expect(young.removed.isEmpty)
            #expect(young.kept.contains { $0.object.key == orphan.key && $0.reason == "younger than the grace" })

            let looked = try await sweep(archive, hoursLater: 25).run(removing: false)
            #expect(looked.removed.map(\.key) == [orphan.key])
            #expect(try await archive.raw.size(of: orphan.key) != nil)

            let swept = try await sweep(archive, hoursLater: 25).run(removing: true)
            #expect(swept.removed.map(\.key) == [orphan.key])
            #expect(
                Set(swept.kept.map(\.object.key)) == Set(foreign + [announceable, otherPartition, otherLog].map(\.key)))
            #expect(swept.examined == 9)
            let left = try await archive.raw.list(prefix: "", after: nil, limit: 100).map(\.key)
            #expect(!left.contains(orphan.key))
            #expect(left.count == 9)
            #expect(try await sweep(archive, hoursLater: 25).run(removing: true).removed.isEmpty)
        }
    }

    @Test("What lies in no range of the ledger but a refused one is kept, however old: it may be all there is")
    func holes() async throws {
        try await Archive.with { archive in
            // The announcement of what came before was lost.
            let lost = try PreparedObject(10..<20)
            try await archive.raw.put(lost.bytes, at: lost.key)
            try await archive.land(try PreparedObject(20..<30))
            try await archive.announce([try PreparedObject(30..<40)])
            try await archive.liveUntilAllIsDone()
            let partly = try PreparedObject(15..<25, tag: "partly")
            let across = try PreparedObject(10..<30, tag: "across")
            let ofRefused = try PreparedObject(30..<40, tag: "other")
            for object in [partly, across, ofRefused] { try await archive.raw.put(object.bytes, at: object.key) }

            let swept = try await sweep(archive, hoursLater: 25).run(removing: true)
            #expect(swept.removed.isEmpty)
            #expect(Set(swept.kept.map(\.object.key)) == Set([lost, partly, across, ofRefused].map(\.key)))
        }
    }

    @Test("Where the raw store's folder is missing, it says so rather than find nothing")
    func missing() async throws {
        try await Archive.with { archive in
            try FileManager.default.removeItem(atPath: archive.raw.root)
            let sweep = try await sweep(archive, hoursLater: 25)
            let error = await #expect(throws: StoreError.self) { try await sweep.run(removing: true) }
            #expect(error?.kind == .unavailable)
        }
    }
}
