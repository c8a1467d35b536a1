import Exchange
import Foundation
import Runtime
import Testing

/// The built program is killed and frozen wherever it hurts, and must have lost nothing and kept nothing twice.
///
/// PREGAO_TEST_KILLS tells how often (10), PREGAO_TEST_SEED repeats a run; both are printed.
@Suite("Kills", .serialized, .timeLimit(.minutes(50)))
struct KillTests {
    /// A source with a bad day, so that kills meet retries and gaps too.
    private static let faults = FaultPlan(
        rates: [.serverError: 0.01, .truncated: 0.005, .html: 0.005, .closed: 0.005], seed: KillPlan.seed)

    @Test("one process, killed at every waypoint and at random moments")
    func oneProcess() async throws {
        let plan = KillPlan.oneProcess("run", kills: KillPlan.kills, seed: KillPlan.seed)
        try await Pipeline.with(Pipeline.Options(faults: Self.faults, seed: KillPlan.seed)) { pipeline in
            for (number, step) in plan.steps.enumerated() {
                Self.announce(number, plan, step)
                switch step.blow {
                case .killAt(let waypoint, let visit):
                    try pipeline.start("run", ["run"], waypoint: "\(waypoint.rawValue):\(visit):kill")
                    try await Self.killedByItself(pipeline, "run", step)
                default:
                    try pipeline.start("run", ["run"])
                    try await Self.strike(pipeline, step, restart: {})
                }
            }
            try pipeline.start("run", ["run"])
            try await pipeline.answers(200, whileAlive: ["run"])
            try await pipeline.finish("run")
            try await pipeline.prove()
        }
    }

    /// Two flushers and two archivers share four partitions.
    private static let stages: [(name: String, waypoints: [Waypoint])] = [
        ("poll", [.pollerAppended]),
        ("flush-1", [.flusherEncoded, .flusherPut, .flusherCommitted, .logInTransaction]),
        ("flush-2", [.flusherEncoded, .flusherPut, .flusherCommitted, .logInTransaction]),
        ("archive-1", [.archiverTaken, .archiverCopied, .archiverWroteAnnouncement, .archiverRegistered]),
        ("archive-2", [.archiverCopied, .archiverRegistered, .archiverCommitted, .catalogBeforeCommit]),
        ("batch", [.batchComputed, .batchPublished, .catalogBeforeCommit]),
    ]

    /// `flush-2` is `pregao flush` with an instance name of its own.
    private static func start(_ name: String, _ pipeline: Pipeline, waypoint: String? = nil) throws {
        let command = name.split(separator: "-")[0]
        let instance = ["flush": "flusher", "archive": "archiver"][command].map {
            ["--set", "\($0).instance=\(name)"]
        }
        try pipeline.start(name, [String(command)] + (instance ?? []), waypoint: waypoint)
    }

    @Test("a process a stage, two flushers and two archivers on four partitions, killed and frozen singly")
    func severalProcesses() async throws {
        try await strikeStages(Self.stages, kills: KillPlan.kills, catalog: .files)
    }

    /// Those that write to the catalog, and it is on PostgreSQL.
    private static let writers: [(name: String, waypoints: [Waypoint])] = [
        ("archive-1", [.archiverCopied, .archiverRegistered, .catalogBeforeCommit]),
        ("archive-2", [.archiverRegistered, .archiverCommitted, .catalogBeforeCommit]),
        ("batch", [.batchComputed, .batchPublished, .catalogBeforeCommit]),
    ]

    @Test("two archivers and a batch that write to one catalog on PostgreSQL, killed and frozen singly")
    func writersOnPostgres() async throws {
        try await strikeStages(Self.writers, kills: (KillPlan.kills + 1) / 2, catalog: try .onPostgres())
    }

    /// Runs a process of every stage and strikes one of `victims` at a time; nothing is lost or there twice.
    private func strikeStages(
        _ victims: [(name: String, waypoints: [Waypoint])], kills: Int, catalog: Pipeline.Options.CatalogPlace
    ) async throws {
        let names = Self.stages.map(\.name)
        let plan = KillPlan.severalProcesses(victims, kills: kills, seed: KillPlan.seed)
        let options = Pipeline.Options(faults: Self.faults, seed: KillPlan.seed, catalog: catalog)
        try await Pipeline.with(options) { pipeline in
            for name in names { try Self.start(name, pipeline) }
            try await pipeline.answers(50, whileAlive: names)
            for (number, step) in plan.steps.enumerated() {
                Self.announce(number, plan, step)
                switch step.blow {
                case .killAt(let waypoint, let visit):
                    try await pipeline.kill(step.victim)
                    try Self.start(step.victim, pipeline, waypoint: "\(waypoint.rawValue):\(visit):kill")
                    try await Self.killedByItself(pipeline, step.victim, step)
                    try Self.start(step.victim, pipeline)
                case .freezeAt(let waypoint, let visit):
                    try await pipeline.kill(step.victim)
                    try Self.start(step.victim, pipeline, waypoint: "\(waypoint.rawValue):\(visit):freeze")
                    try await Self.thawnAfterFreezing(pipeline, step)
                default:
                    try await Self.strike(pipeline, step) { try Self.start(step.victim, pipeline) }
                }
                try pipeline.expectAlive(names)
            }
            try await pipeline.answers(200, whileAlive: names)
            try await pipeline.finish("poll")
            try await pipeline.drained(whileAlive: names.filter { $0 != "poll" })
            for name in names where name != "poll" { try await pipeline.finish(name) }
            try await pipeline.prove()
        }
    }

    // MARK: - Blows

    private static func announce(_ number: Int, _ plan: KillPlan, _ step: KillPlan.Step) {
        print("seed \(KillPlan.seed), \(number + 1) of \(plan.steps.count): \(step.victim) \(step.blow)")
    }

    private static func killedByItself(_ pipeline: Pipeline, _ name: String, _ step: KillPlan.Step) async throws {
        let child = try pipeline.child(name)
        do { try await eventually("\(name) \(step.blow)") { child.ending != nil } } catch {
            throw HarnessFault("\(error)\n\(child.lastLines())")
        }
        guard child.ending == .killed(SIGKILL) else {
            throw HarnessFault("\(name) \(child.ending.map { "\($0)" } ?? ""), not \(step.blow)\n\(child.lastLines())")
        }
    }

    private static func strike(_ pipeline: Pipeline, _ step: KillPlan.Step, restart: () throws -> Void) async throws {
        let child = try pipeline.child(step.victim)
        switch step.blow {
        case .kill(let answers, let withChildren):
            try await pipeline.answers(answers, whileAlive: [step.victim])
            if withChildren { child.signalGroup(SIGKILL) } else { child.signal(SIGKILL) }
            try await killedByItself(pipeline, step.victim, step)
            try restart()
        case .freeze(let answers):
            try await pipeline.answers(answers, whileAlive: [step.victim])
            child.signal(SIGSTOP)
            try await thawnAfterFreezing(pipeline, step)
        case .killAt, .freezeAt: throw HarnessFault("\(step.blow) is armed at the start")
        }
    }

    /// Lets the victim's leases run out while it is stopped; it then has to find that others took over.
    private static func thawnAfterFreezing(_ pipeline: Pipeline, _ step: KillPlan.Step) async throws {
        let child = try pipeline.child(step.victim)
        do { try await eventually("\(step.victim) \(step.blow)") { child.isStopped } } catch {
            throw HarnessFault("\(error)\n\(child.lastLines())")
        }
        // Twice the lease: by then the other members have noticed and taken over.
        try await Task.sleep(for: .seconds(4))
        child.signal(SIGCONT)
        try await eventually("\(step.victim) goes on") { !child.isStopped }
    }
}
