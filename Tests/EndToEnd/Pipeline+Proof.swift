import Exchange
import Foundation

extension Pipeline {
    /// Runs a test on a pipeline of its own; where it fails, its folder stays.
    static func with(_ options: Options, _ body: (Pipeline) async throws -> Void) async throws {
        print("PREGAO_TEST_KILLS=\(KillPlan.kills) PREGAO_TEST_SEED=\(KillPlan.seed)")
        let pipeline = try Pipeline(options)
        do { try await body(pipeline) } catch {
            await pipeline.close(keepingFolder: true)
            throw error
        }
        await pipeline.close(keepingFolder: false)
    }

    /// Brings what is under way to its end, then holds everything against everything; nothing may be running.
    func prove() async throws {
        try await accountForTheEnd()
        try await finishBacklog()
        let batch = try await run(["batch", "--once"])
        guard batch.ending == .exited(0) else {
            throw HarnessFault("pregao batch --once \(batch.ending)\n\(batch.output)")
        }

        let collected = try await Collected(self)
        let report = try Proof(folder: collected.folder).report()
        print(report.totals)
        print("partitions that a process found with another member: \(partitionsLost())")
        let unsaved = try await collected.objectsWithoutBackup()
        let verify = try await run(["verify", "--full", "--deep", "--json"], within: .seconds(600))
        let faults =
            report.offences.map(\.description) + unsaved.map { "not in backup with the same bytes: \($0)" }
            + (verify.ending == .exited(0) ? [] : ["pregao verify \(verify.ending):\n\(verify.output)"])
        guard faults.isEmpty else { throw HarnessFault(faults.joined(separator: "\n\n")) }
    }

    /// Has a last poller record the time up to its own first slots, now that nothing is answered any more: the journal
    /// tells when an answer was given, not to which slot, and the last ones may have come long after theirs.
    private func accountForTheEnd() async throws {
        try await exchange.stop()
        let (ending, output) = try await run(["poll", "--for", "1ms"])
        guard ending == .exited(0) else { throw HarnessFault("pregao poll \(ending)\n\(output)") }
    }

    /// How often a process woke or came late and was told so: that freezing does bite.
    private func partitionsLost() -> Int {
        let outputs = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return outputs.filter { $0.pathExtension == "out" }.reduce(0) { count, file in
            let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
            return count + text.components(separatedBy: "went to another member").count - 1
        }
    }

    /// Works off what the last processes left to their successors.
    func finishBacklog() async throws {
        for _ in 0..<20 {
            if try await backlog().isEmpty { return }
            for stage in ["flush", "archive"] {
                let (ending, output) = try await run([stage, "--for", "2s"])
                guard ending == .exited(0) else { throw HarnessFault("pregao \(stage) \(ending)\n\(output)") }
            }
        }
        throw HarnessFault("after 20 passes there waits \(try await backlog())")
    }
}
