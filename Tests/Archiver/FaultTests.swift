import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

@testable import Archiver

@Suite("Archiver: faults at every step", .serialized, .timeLimit(.minutes(10)))
struct FaultTests {
    static let moments = [Moment.Call.read, .putBackup, .readBackup, .putAnnouncement, .putRefusal, .commit].flatMap {
        [Moment(.before, $0), Moment(.after, $0)]
    }

    /// Objects of two partitions, one of them without rows, and between them one that is absent and a message that
    /// cannot be read.
    private func send(to archive: Archive) async throws -> (objects: [PreparedObject], refused: [LogPosition]) {
        let objects = [
            try PreparedObject(0..<10), try PreparedObject(10..<20), try PreparedObject(0..<5, partition: 1),
            try PreparedObject(9..<12, partition: 1), try PreparedObject(12..<15, partition: 1, isEmpty: true),
        ]
        let absent = try PreparedObject(5..<9, partition: 1)
        try await archive.land(objects[0], objects[1], objects[2])
        var refused = [try await archive.send(absent.message, partition: 1)]
        refused.append(try await archive.send(Array("not JSON".utf8), partition: 1))
        try await archive.land(objects[3], objects[4])
        return (objects, refused)
    }

    @Test("A process that dies at a step: its successor archives everything once", arguments: moments)
    func dies(moment: Moment) async throws {
        try await Archive.with { archive in
            let sent = try await send(to: archive)
            let death = Death(at: moment)
            try await archive.liveUntilAllIsDone(Archive.Life(fault: death))
            #expect(death.isDead)
            #expect(try await archive.liveUntilAllIsDone() == nil)
            try await archive.expectArchivedOnce(sent.objects, refused: sent.refused)
        }
    }

    @Test("A step that fails, or whose answer is lost, is tried again until it succeeds", arguments: moments)
    func hiccups(moment: Moment) async throws {
        try await Archive.with { archive in
            let sent = try await send(to: archive)
            let life = Archive.Life(fault: Hiccup(at: moment))
            #expect(try await archive.liveUntilAllIsDone(life) == nil)
            try await archive.expectArchivedOnce(sent.objects, refused: sent.refused)
            let retries = life.metrics.snapshot().filter { $0.series.name == "pregao_archiver_retries_total" }
            // An answer that a commit lost is found among the group's positions.
            #expect(!retries.isEmpty)
        }
    }

    @Test("A cancelled archiver ends, also while the log refuses", arguments: [Moment.Call.join, .next])
    func cancelled(call: Moment.Call) async throws {
        try await Archive.with { archive in
            var life = Archive.Life(fault: Always(at: Moment(.before, call)))
            let (refusals, told) = AsyncStream.makeStream(of: Void.self)
            let triesAfterwards = Mutex(0)
            life.lines = { [shutdown = life.shutdown] _ in
                told.yield()
                let isTooMany = triesAfterwards.withLock { tries in
                    if Task.isCancelled { tries += 1 }
                    return tries > 100
                }
                if isTooMany { shutdown.request() }
            }
            let running = Task { [life] in try await archive.live(life) { _ in false } }
            for await _ in refusals { break }
            running.cancel()
            _ = try await running.value
            #expect(triesAfterwards.withLock { $0 } <= 1)
        }
    }

    @Test("A log that cannot be joined or read for a while is tried again", arguments: [Moment.Call.join, .next])
    func refusesToRead(call: Moment.Call) async throws {
        try await Archive.with { archive in
            let sent = try await send(to: archive)
            #expect(try await archive.liveUntilAllIsDone(Archive.Life(fault: Hiccup(at: Moment(.before, call)))) == nil)
            try await archive.expectArchivedOnce(sent.objects, refused: sent.refused)
        }
    }

    @Test("While another has the catalog's turn, nothing is lost and nothing refused; afterwards all is archived")
    func busyCatalog() async throws {
        try await Archive.with { archive in
            let sent = try await send(to: archive)
            let hasty = Patience(turn: .milliseconds(20), attempts: 1)
            var life = Archive.Life(catalog: try await archive.openCatalog(patience: hasty))
            life.endsWhenHeld(times: 3)
            let turn = try CatalogTurn(folder: archive.catalogFolder)
            #expect(try await archive.live(life) { _ in false } == nil)
            #expect(try await archive.deadLetters().isEmpty)
            turn.giveBack()
            #expect(try await archive.liveUntilAllIsDone() == nil)
            try await archive.expectArchivedOnce(sent.objects, refused: sent.refused)
        }
    }
}
