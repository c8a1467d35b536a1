import Foundation
import Runtime

/// What is done to which process, and when: a value drawn from a seed, so that a run can be repeated.
struct KillPlan {
    enum Blow: CustomStringConvertible {
        /// SIGKILL once the exchange has given so many more answers.
        case kill(afterAnswers: Int, withChildren: Bool)
        /// Started with the waypoint armed, it kills itself there.
        case killAt(Waypoint, visit: Int)
        /// SIGSTOP, and SIGCONT when its leases have run out.
        case freeze(afterAnswers: Int)
        case freezeAt(Waypoint, visit: Int)

        var description: String {
            switch self {
            case .kill(let answers, let withChildren):
                "killed\(withChildren ? " with its children" : "") after \(answers) answers"
            case .killAt(let waypoint, let visit): "killed at \(waypoint.rawValue), visit \(visit)"
            case .freeze(let answers): "frozen after \(answers) answers"
            case .freezeAt(let waypoint, let visit): "frozen at \(waypoint.rawValue), visit \(visit)"
            }
        }
    }

    struct Step {
        let victim: String
        let blow: Blow
    }

    let steps: [Step]

    /// How many, and the seed: PREGAO_TEST_KILLS and PREGAO_TEST_SEED.
    static let kills = ProcessInfo.processInfo.environment["PREGAO_TEST_KILLS"].flatMap { Int($0) } ?? 10
    static let seed =
        ProcessInfo.processInfo.environment["PREGAO_TEST_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0..<1 << 32)

    /// One process, killed once at every waypoint and `kills` times at random moments.
    static func oneProcess(_ victim: String, kills: Int, seed: UInt64) -> KillPlan {
        var lots = SeededLots(seed: seed)
        // No stage replays dead letters, and no day closes while it runs.
        let passed = Waypoint.allCases.filter {
            $0 != .replayCommitted && !$0.rawValue.hasPrefix("compaction") && !$0.rawValue.hasPrefix("retention")
        }
        let named = passed.map {
            Step(victim: victim, blow: .killAt($0, visit: .random(in: 1...3, using: &lots)))
        }
        let random = (0..<kills).map { _ in Step(victim: victim, blow: randomKill(&lots)) }
        return KillPlan(steps: (named + random).shuffled(using: &lots))
    }

    /// Several processes, one at a time killed or frozen, at random moments or at a waypoint of its own.
    static func severalProcesses(_ stages: [(name: String, waypoints: [Waypoint])], kills: Int, seed: UInt64)
        -> KillPlan
    {
        var lots = SeededLots(seed: seed ^ 0x5eed)
        let steps = (0..<kills).map { number in
            let stage = stages[number % stages.count]
            let waypoint = stage.waypoints.randomElement(using: &lots)
            let visit = Int.random(in: 1...3, using: &lots)
            let blow: Blow =
                switch (Int.random(in: 0..<4, using: &lots), waypoint) {
                case (0, let waypoint?): .killAt(waypoint, visit: visit)
                case (1, let waypoint?): .freezeAt(waypoint, visit: visit)
                case (2, _): .freeze(afterAnswers: .random(in: 0...200, using: &lots))
                default: randomKill(&lots)
                }
            return Step(victim: stage.name, blow: blow)
        }
        return KillPlan(steps: steps.shuffled(using: &lots))
    }

    private static func randomKill(_ lots: inout SeededLots) -> Blow {
        .kill(afterAnswers: .random(in: 0...300, using: &lots), withChildren: .random(using: &lots))
    }
}

/// SplitMix64: equal seeds give equal plans on every machine.
struct SeededLots: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
