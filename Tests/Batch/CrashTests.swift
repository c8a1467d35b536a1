import Foundation
import MarketData
import Testing
import Warehouse

@testable import Batch

@Suite("A run that ends between two of its steps", .serialized, .timeLimit(.minutes(5)))
struct CrashTests {
    enum Step: String, CaseIterable { case tookInputs, computed, placed, published }

    /// Does a run's steps up to `last`, and no more.
    private func crash(after last: Step, _ fixture: PipelineFixture, _ model: Model) async throws {
        let folder = RefinedFolder(root: fixture.folder.path)
        let inputs = try await DayInputs.take(
            for: model, of: fixture.models, day: Samples.day, catalog: fixture.catalog)
        guard last != .tookInputs else { return }
        let temporary = try folder.newTemporary()
        let computation = DayComputation(
            script: inputs.script(extent: .wholeDay), engine: fixture.engine, path: temporary)
        guard case .computed(let rows) = try await computation.run(), last != .computed else { return }
        let file = try await folder.place(temporary, model: model, day: Samples.day, version: inputs.nextVersion)
        guard last != .placed else { return }
        let published = Publication.File(location: file.location, size: file.size, sha256: file.sha256, rows: rows)
        _ = try await fixture.catalog.publish([inputs.publication(of: published)])
    }

    @Test("leaves nothing that another run does not make good", arguments: Step.allCases, [false, true])
    func rerun(step: Step, isSecondVersion: Bool) async throws {
        let fixture = try await PipelineFixture()
        let model = try #require(fixture.models[named: "refined.quotes_1m"])
        if isSecondVersion {
            try await fixture.register([.init(second: 0, price: "1")])
            _ = try await fixture.batch().runOnce()
        }
        try await fixture.register([.init(second: 1, price: "100"), .init(second: 61, price: "101")])
        let before = isSecondVersion ? ["BTC-USD 00:00 1 1.0"] : []
        try await crash(after: step, fixture, model)
        if step != .published { #expect(try await fixture.minutes() == before) }
        _ = try await fixture.batch().runOnce()
        let first = isSecondVersion ? 2 : 1
        #expect(try await fixture.minutes() == ["BTC-USD 00:00 \(first) 100.0", "BTC-USD 00:01 1 101.0"])
        #expect(try await fixture.catalog.dirt().isEmpty)
        // The rerun's file is the same as the crashed run's: one file a version, and no other.
        let folder = "\(fixture.folder.path)/refined/refined.quotes_1m/trading_day=\(Samples.day)"
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == first)
    }

    @Test("what a crash left half computed is removed after a day, what is being computed is not")
    func leftovers() async throws {
        let folder = try TemporaryFolder()
        let refined = RefinedFolder(root: folder.path)
        let old = try refined.newTemporary()
        let young = try refined.newTemporary()
        let now = Samples.day.startInUTC
        for (path, age) in [(old, 86_402), (young, 86_398)] {
            #expect(FileManager.default.createFile(atPath: path, contents: nil))
            let seconds = Double(now.microseconds / 1_000_000) - Double(age)
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSince1970: seconds)], ofItemAtPath: path)
        }
        refined.removeLeftovers(now: now)
        #expect(!FileManager.default.fileExists(atPath: old))
        #expect(FileManager.default.fileExists(atPath: young))
    }

    @Test("a folder that cannot be written leaves the day dirty, and says so")
    func cannotWrite() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([.init(second: 1, price: "100")])
        try fixture.folder.write("a file where the folder should be", to: "refined")
        let report = try #require(try await fixture.batch().runOnce().first)
        guard case .notDone(let error) = report.outcome else {
            Issue.record("\(report)")
            return
        }
        #expect(error.kind == .cannotWrite)
        #expect(try await fixture.catalog.dirt().count == 1)
        #expect(try await fixture.catalog.failedRuns().count == 1)
    }

    @Test("an input that is missing leaves the day dirty and what was published as it was")
    func missingInput() async throws {
        let fixture = try await PipelineFixture()
        try await fixture.register([.init(second: 1, price: "100")])
        _ = try await fixture.batch().runOnce()
        try await fixture.register([.init(second: 2, price: "101")])
        try FileManager.default.removeItem(atPath: fixture.files[1])
        let report = try #require(try await fixture.batch().runOnce().first)
        #expect(report.ending.rawValue == "not-done")
        #expect(try await fixture.catalog.failedRuns().first?.reason.contains(fixture.files[1]) == true)
    }
}
