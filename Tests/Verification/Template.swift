import EventLog
import Foundation
import Lake
import MarketData
import Testing
import Warehouse

/// Every test of the pipeline, one after the other: there is one folder for all.
@Suite("Verification", .serialized)
enum VerificationSuite {}

/// A whole pipeline that verifies, made once a process and put back before each test: the catalog names files by
/// absolute paths, so that it is always the same folder, and one test has it at a time.
actor Template {
    static let shared = Template()

    /// Removed when the process ends, since no test knows whether it is the last.
    private static let home: String = {
        let path = FileManager.default.temporaryDirectory.appending(path: "pregao-verify-\(UUID().uuidString)").path
        atexit { try? FileManager.default.removeItem(atPath: Template.home) }
        return path
    }()

    private var folder: String { Self.home + "/pipeline" }
    private var saved: String { Self.home + "/saved" }
    private var isMade = false
    private var isTaken = false

    /// Gives the pipeline as it was made to `body`, and takes it back.
    ///
    /// - Throws: where another test has it: every suite that uses it stands in ``VerificationSuite``.
    func use<Result: Sendable>(_ body: (SmallPipeline) async throws -> Result) async throws -> Result {
        guard !isTaken else { throw SmallPipeline.Unexpected("two tests want the pipeline at the same time") }
        isTaken = true
        defer { isTaken = false }
        if !isMade { try await make() }
        isMade = true
        // What a test left that ended by its time limit.
        try? FileManager.default.removeItem(atPath: folder)
        try FileManager.default.copyItem(atPath: saved, toPath: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        return try await SmallPipeline.with(folder) { pipeline in
            try await pipeline.catalog.open(datasets: Datasets.all, create: false)
            return try await body(pipeline)
        }
    }

    /// Makes it whole or leaves nothing of it, so that the next test begins anew.
    private func make() async throws {
        try? FileManager.default.removeItem(atPath: Self.home)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try await SmallPipeline.with(folder) { try await fill($0) }
        try FileManager.default.moveItem(atPath: folder, toPath: saved)
    }

    private func fill(_ pipeline: SmallPipeline) async throws {
        try await pipeline.prepare()
        // The second flush's objects hold both days.
        for slots in [0..<8, 8..<20] {
            var messages: [OutgoingMessage] = []
            for symbol in Samples.symbols {
                for slot in slots where slot != Samples.gap { messages.append(try Samples.quote(symbol, slot: slot)) }
                if slots.contains(Samples.gap) {
                    messages.append(try Samples.gap(symbol, slots: Samples.gap..<Samples.gap + 1))
                }
            }
            messages.append(Samples.unreadable(Samples.symbols[0]))
            _ = try await pipeline.log.append(messages)
            try await pipeline.flush()
        }
        // A range without a readable row.
        _ = try await pipeline.log.append([Samples.unreadable(Samples.symbols[1])])
        try await pipeline.flush()
        _ = try await pipeline.log.append([try await Samples.accounts(until: 20, log: pipeline.log)])
        try await pipeline.archive()
        try await pipeline.refine()
    }
}
