import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Batch

@Suite("Raw's retention", .serialized, .timeLimit(.minutes(10)))
struct RetentionTests {
    private static let rows = "SELECT concat_ws(' ', symbol, _offset, price) AS line FROM lake.raw.quotes ORDER BY line"

    @Test("the objects of a compacted file expire together, and are removed from raw once the grace is past")
    func expires() async throws {
        let fixture = try await RetainedFixture()
        let rows = try await fixture.pipeline.rows(Self.rows)
        let ledger = try await fixture.pipeline.catalog.objects(limit: 10)
        #expect(try await fixture.retention().due().isEmpty)
        fixture.pass(days: 30)
        let due = try await fixture.retention().due()
        #expect(due.map(\.step) == [.expire] && due[0].obstacle == nil)
        #expect(await fixture.retention().apply(due[0]).outcome == .done)
        // Nobody reads them any more, and they are there for who began before.
        #expect(try await fixture.pipeline.catalog.objects(limit: 10).map(\.isExpired) == [true, true, true])
        #expect(try await fixture.objectsLeft() == 3)
        #expect(try await fixture.retention().due().isEmpty)
        fixture.pass(days: 1)
        let removal = try #require(try await fixture.retention().due().first)
        #expect(removal.step == .remove)
        let report = await fixture.retention().apply(removal)
        #expect(report.outcome == .done && report.bytes == ledger.map(\.announcement.size).reduce(0, +))
        #expect(try await fixture.objectsLeft() == 0)
        #expect(try await fixture.retention().due().isEmpty)
        // Backup and ledger keep theirs.
        let after = try await fixture.pipeline.catalog.objects(limit: 10)
        #expect(after.map(\.announcement) == ledger.map(\.announcement))
        #expect(after.map(\.status) == ledger.map(\.status))
        for object in ledger {
            #expect(try await fixture.pipeline.backup.size(of: object.announcement.key) == object.announcement.size)
        }
        #expect(try await fixture.pipeline.rows(Self.rows) == rows)
    }

    // MARK: - Crashes

    enum Step: CaseIterable { case recorded, expired, removedOne, removedAll, noted }

    /// Does the steps up to `last`, and no more.
    private func crash(after last: Step, _ fixture: RetainedFixture) async throws {
        let catalog = fixture.pipeline.catalog
        let file = try #require(try await catalog.compactedFiles().first)
        let record = ExpirationRecord(of: file)
        try await fixture.pipeline.backup.put(record.json(), at: record.key)
        guard last != .recorded else { return }
        #expect(try await catalog.expire(file, fixture.limits) == .expired)
        fixture.pass(days: 1)
        guard last != .expired else { return }
        for key in file.inputs.prefix(last == .removedOne ? 1 : .max) { try await fixture.pipeline.raw.remove(key) }
        guard last == .noted else { return }
        try await catalog.recordRemoval(ofObjectsIn: file)
    }

    @Test("a crash after any step leaves every row once and every day as it was; the next passes do the rest")
    func crashes() async throws {
        let fixture = try await RetainedFixture()
        fixture.pass(days: 30)
        let rows = try await fixture.pipeline.rows(Self.rows)
        try await fixture.save()
        try await fixture.forEach(Step.allCases) { step in
            try await crash(after: step, fixture)
            #expect(try await fixture.pipeline.rows(Self.rows) == rows, "\(step)")
            try await fixture.computeAgain()
            #expect(try await fixture.differences() == 0, "\(step)")
            try await fixture.expire()
            fixture.pass(days: 1)
            try await fixture.expire()
            #expect(try await fixture.objectsLeft() == 0, "\(step)")
            #expect(try await fixture.pipeline.catalog.expirations().map { $0.removedAt != nil } == [true], "\(step)")
            #expect(try await fixture.retention().due().isEmpty, "\(step)")
            #expect(try await fixture.pipeline.rows(Self.rows) == rows, "\(step)")
        }
        try await fixture.computeAgain()
        #expect(try await fixture.differences() == 0)
    }

    @Test("two processes at once do each step once")
    func atOnce() async throws {
        let fixture = try await RetainedFixture()
        fixture.pass(days: 30)
        for days in [1, 1] {
            let due = try #require(try await fixture.retention().due().first)
            let (first, second) = (fixture.retention(), fixture.retention())
            async let one = first.apply(due)
            async let other = second.apply(due)
            let outcomes = await [one.outcome, other.outcome]
            #expect(outcomes == [.done, .done])
            fixture.pass(days: days)
        }
        #expect(try await fixture.pipeline.catalog.expirations().count == 1)
        #expect(try await fixture.objectsLeft() == 0)
    }

    // MARK: - What keeps them

    @Test("nothing expires while anything is not as it has to be")
    func keeps() async throws {
        let fixture = try await RetainedFixture()
        fixture.pass(days: 30)
        try await fixture.forEach(Trouble.beforeExpiring) { trouble in
            try await trouble.make(fixture)
            for due in try await fixture.retention().due() { try await expectKept(due, trouble, fixture) }
            #expect(try await fixture.pipeline.catalog.expirations().isEmpty, "\(trouble.name)")
            #expect(try await fixture.objectsLeft() == trouble.left, "\(trouble.name)")
        }
    }

    @Test("nothing is removed while anything is not as it has to be")
    func keepsExpired() async throws {
        let fixture = try await RetainedFixture()
        fixture.pass(days: 30)
        try await fixture.expire()
        fixture.pass(days: 1)
        try await fixture.forEach(Trouble.beforeRemoving) { trouble in
            try await trouble.make(fixture)
            let due = try await fixture.retention().due()
            #expect(due.map(\.step) == [.remove], "\(trouble.name)")
            for due in due { try await expectKept(due, trouble, fixture) }
            #expect(try await fixture.objectsLeft() == 3, "\(trouble.name)")
            #expect(try await fixture.pipeline.catalog.expirations().map(\.removedAt) == [nil], "\(trouble.name)")
        }
    }

    @Test("what was due is not removed where the catalog has been made anew meanwhile")
    func forgotten() async throws {
        let fixture = try await RetainedFixture()
        fixture.pass(days: 30)
        try await fixture.expire()
        fixture.pass(days: 1)
        let due = try #require(try await fixture.retention().due().first)
        _ = try await fixture.pipeline.engine.run(
            fixture.pipeline.catalog.attachScript(readOnly: false) + "DELETE FROM lake.pregao.expirations;")
        guard case .kept = await fixture.retention().apply(due).outcome else {
            Issue.record("it was not kept")
            return
        }
        #expect(try await fixture.objectsLeft() == 3)
    }

    private func expectKept(_ due: RawRetention.Due, _ trouble: Trouble, _ fixture: RetainedFixture) async throws {
        let outcome = await fixture.retention().apply(due).outcome
        #expect(outcome != .done, "\(trouble.name)")
        #expect("\(outcome)".contains(trouble.words), "\(trouble.name): \(outcome)")
    }

    // MARK: - Late data

    @Test("what comes late is computed with the compacted file, is compacted apart, and expires too")
    func late() async throws {
        let fixture = try await RetainedFixture()
        let untouched = try await RetainedFixture()
        fixture.pass(days: 30)
        try await fixture.expire()
        fixture.pass(days: 1)
        try await fixture.expire()
        #expect(try await fixture.objectsLeft() == 0)
        for each in [fixture, untouched] {
            try await each.register(2, from: 30)
            _ = try await each.pipeline.batch().runOnce()
        }
        #expect(try await fixture.pipeline.minutes() == untouched.pipeline.minutes())
        #expect(try await fixture.pipeline.days() == untouched.pipeline.days())
        #expect(try await fixture.pipeline.catalog.dirt().isEmpty)
        // As many inputs as objects: which file they are read from is nobody's concern.
        let inputs = try await fixture.pipeline.catalog.publicationInputs(
            model: "refined.quotes_1m", day: Samples.day)
        #expect(inputs.map(\.name) == (try await fixture.pipeline.catalog.objects(limit: 10)).map(\.announcement.key))

        try await fixture.compact()
        #expect(try await fixture.pipeline.catalog.compactedFiles().count == 2)
        fixture.pass(days: 31)
        try await fixture.expire()
        fixture.pass(days: 1)
        try await fixture.expire()
        #expect(try await fixture.objectsLeft() == 0)
        try await fixture.computeAgain()
        #expect(try await fixture.pipeline.minutes() == untouched.pipeline.minutes())
        #expect(try await fixture.pipeline.rows(Self.rows) == untouched.pipeline.rows(Self.rows))
    }

    @Test("the batch expires and removes by itself, while nothing else is to be done")
    func byItself() async throws {
        let fixture = try await RetainedFixture()
        fixture.pass(days: 30)
        let shutdown = Shutdown()
        var settings = BatchSettings(folder: fixture.pipeline.folder.path, pollInterval: .milliseconds(20))
        settings.retentionInterval = .zero
        let batch = Batch(
            settings: settings, models: fixture.pipeline.models, catalog: fixture.pipeline.catalog,
            engine: fixture.pipeline.engine, retention: fixture.retention(grace: .zero), clock: fixture.pipeline.clock,
            logger: Logger(
                component: "test", sink: { if $0.contains("expired raw objects were removed") { shutdown.request() } }),
            metrics: fixture.pipeline.metrics)
        try await batch.run(until: shutdown)
        #expect(try await fixture.objectsLeft() == 0)
        #expect(try await fixture.pipeline.catalog.dirt().isEmpty)
    }
}
