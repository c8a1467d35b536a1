import EventLog
import Foundation
import Lake
import MarketData
import Warehouse

/// A whole pipeline that verifies, made once and put back before each test: the catalog names files by absolute paths,
/// so that it is always the same folder, and one test has it at a time.
actor Template {
    static let shared = Template()

    private let home = FileManager.default.temporaryDirectory.appending(path: "pregao-verify-\(UUID().uuidString)").path
    private var folder: String { home + "/pipeline" }
    private var saved: String { home + "/saved" }
    private var isMade = false
    private var isTaken = false
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// Gives the pipeline as it was made to `body`, and takes it back; the last one removes it.
    func use<Result: Sendable>(_ body: (SmallPipeline) async throws -> Result) async throws -> Result {
        if isTaken { await withCheckedContinuation { waiting.append($0) } }
        isTaken = true
        defer { passOn() }
        if !isMade { try await make() }
        isMade = true
        try FileManager.default.copyItem(atPath: saved, toPath: folder)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let pipeline = try await SmallPipeline(folder: folder)
        do {
            try await pipeline.catalog.open(datasets: Datasets.all, create: false)
            let result = try await body(pipeline)
            await pipeline.log.close()
            return result
        } catch {
            await pipeline.log.close()
            throw error
        }
    }

    private func passOn() {
        if waiting.isEmpty {
            isTaken = false
            isMade = false
            try? FileManager.default.removeItem(atPath: home)
        } else {
            waiting.removeFirst().resume()
        }
    }

    private func make() async throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let pipeline = try await SmallPipeline(folder: folder)
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
        await pipeline.log.close()
        try FileManager.default.moveItem(atPath: folder, toPath: saved)
    }
}
