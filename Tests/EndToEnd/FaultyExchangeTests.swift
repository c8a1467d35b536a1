import Exchange
import Foundation
import Testing

/// PREGAO_TEST_SLOTS (120) tells how many slots of each series are polled: 3,600 are an hour at one a second, played
/// ten times as fast.
@Suite("A source with bad days", .timeLimit(.minutes(15)))
struct FaultyExchangeTests {
    private static let slots = ProcessInfo.processInfo.environment["PREGAO_TEST_SLOTS"].flatMap { Int($0) } ?? 120

    @Test("what was good is in the refined tables, and everything else in a gap, whatever the faults")
    func everyFault() async throws {
        // A twentieth of the answers is spoilt; more would open the circuit for most of the time.
        let rates = Dictionary(uniqueKeysWithValues: Fault.allCases.map { ($0, 0.05 / Double(Fault.allCases.count)) })
        let faults = FaultPlan(
            rates: rates, jitterMilliseconds: 20, clockSkewMilliseconds: -90_000, seed: KillPlan.seed)
        let options = Pipeline.Options(interval: "100ms", faults: faults, seed: KillPlan.seed)
        try await Pipeline.with(options) { pipeline in
            try pipeline.start("run", ["run"])
            try await pipeline.answers(
                Self.slots * options.series, whileAlive: ["run"], within: .seconds(90 + Self.slots / 2))
            // The last answers come when their slots, and those after them, are long over.
            pipeline.exchange.faults = FaultPlan(
                rates: [.html: 0.5], latencyMilliseconds: 700, seed: KillPlan.seed)
            try await pipeline.answers(50, whileAlive: ["run"])
            try await pipeline.finish("run")
            try await pipeline.prove()
        }
    }
}
