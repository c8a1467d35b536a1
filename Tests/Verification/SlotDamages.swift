import EventLog
import Lake
import MarketData
import Warehouse

@testable import Verification

/// What pollers that go wrong would leave of their slots.
let slotDamages: [Damage] = [
    Damage("a quote that was never appended", .slots) { pipeline in
        // Slot 20 is in neither topic, and said to be accounted for.
        try await pipeline.appendAndArchive(Samples.symbols.map { try Samples.quote($0, slot: 21) })
        _ = try await pipeline.log.append([try await Samples.accounts(until: 22, log: pipeline.log)])
        return place(Samples.symbols[0])
    },
    Damage("a quote that was never appended, where the account goes on to what is not archived", .slots) { pipeline in
        try await pipeline.appendAndArchive(Samples.symbols.map { try Samples.quote($0, slot: 21) })
        _ = try await pipeline.log.append(Samples.symbols.map { try Samples.quote($0, slot: 22) })
        _ = try await pipeline.log.append([try await Samples.accounts(until: 23, log: pipeline.log)])
        return place(Samples.symbols[1])
    },
    Damage("a last quote that was never appended", .slots) { pipeline in
        _ = try await pipeline.log.append([try await Samples.accounts(until: 21, log: pipeline.log)])
        return place(Samples.symbols[1])
    },
    Damage("a first quote that was never appended", .slots) { pipeline in
        _ = try await pipeline.log.append([try await Samples.accounts(from: -1, until: 20, log: pipeline.log)])
        return place(Samples.symbols[0])
    },
    Damage("a series of which nothing was ever appended", .slots) { pipeline in
        _ = try await pipeline.log.append([
            try await Samples.accounts(from: 0, until: 20, of: Samples.symbols + ["SOL-USD"], log: pipeline.log)
        ])
        return place("SOL-USD")
    },
    Damage("two pollers of one feed", .slots) { pipeline in
        try await pipeline.appendAndArchive([try Samples.quote(Samples.symbols[0], slot: 19)])
        return place(Samples.symbols[0])
    },
]

private func place(_ symbol: String) -> String { "coinbase-spot \(symbol) spot" }

extension SmallPipeline {
    func appendAndArchive(_ messages: [OutgoingMessage]) async throws {
        _ = try await log.append(messages)
        try await flush()
        try await archive()
        try await refine()
    }
}
