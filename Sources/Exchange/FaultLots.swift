import Synchronization

/// A fault plan at work: draws each answer's lot.
final class FaultLots: Sendable {
    let plan: FaultPlan
    /// The faults with the sum of rates up to and with each, in a fixed order.
    private let thresholds: [(below: Double, fault: Fault)]
    private let scripted = Atomic(0)

    init(_ plan: FaultPlan) {
        self.plan = plan
        var sum = 0.0
        thresholds = Fault.allCases.compactMap { fault in
            guard let rate = plan.rates[fault], rate > 0 else { return nil }
            sum += rate
            return (below: sum, fault: fault)
        }
    }

    func fault(of serial: UInt64, symbol: String) -> Fault? {
        if !plan.unknownSymbols.isEmpty, plan.unknownSymbols.contains(symbol) { return .notFound }
        if let only = plan.onlySymbols, !only.contains(symbol) { return nil }
        if !plan.script.isEmpty, scripted.load(ordering: .relaxed) < plan.script.count {
            let step = scripted.wrappingAdd(1, ordering: .relaxed).oldValue
            if step < plan.script.count { return plan.script[step] }
        }
        guard !thresholds.isEmpty else { return nil }
        var lots = SplitMix64(seed: plan.seed, serial)
        let lot = lots.unit()
        return thresholds.first { lot < $0.below }?.fault
    }

    func delay(of serial: UInt64) -> Duration? {
        guard plan.latencyMilliseconds > 0 || plan.jitterMilliseconds > 0 else { return nil }
        var lots = SplitMix64(seed: ~plan.seed, serial)
        let jitter = lots.unit() * Double(plan.jitterMilliseconds)
        return .microseconds(plan.latencyMilliseconds * 1000 + Int(jitter * 1000))
    }
}
