import EventLog
import Foundation
import Lake
import MarketData
import Testing
import Warehouse

@testable import Verification

extension VerificationSuite {
    @Suite("After raw objects have expired", .timeLimit(.minutes(10)))
    struct ExpirationTests {
        private static let setting = ["-s", "batch.raw-retention=0s"]

        private func expectProven(
            _ pipeline: SmallPipeline, _ scope: VerificationScope = VerificationScope(full: true, deep: true)
        ) async throws {
            let report = try await pipeline.verify(scope)
            #expect(report.faults == [])
            #expect(report.notes == [])
            #expect(report.tallies.values.reduce(0) { $0 + $1.pending } == 0)
        }

        @Test("everything is proven, from the compacted file and the backups; what has expired is counted as such")
        func proves() async throws {
            try await Template.shared.use { pipeline in
                let before = try await pipeline.verify()
                let file = try await pipeline.expire()
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.notes == [])
                #expect(report.counts.dropLast().map(\.value) == before.counts.dropLast().map(\.value))
                #expect(report.counts.last?.value == Int64(file.inputs.count))
                let checked = { (check: VerificationReport.Check, report: VerificationReport) in
                    report.tallies[check]?.checked ?? 0
                }
                #expect(checked(.objects, report) == checked(.objects, before) - Int64(file.inputs.count))
                // And the record.
                #expect(checked(.backup, report) == checked(.backup, before) + 1)
                for check in [VerificationReport.Check.ranges, .messages, .refined, .slots] {
                    #expect(checked(check, report) == checked(check, before))
                }
            }
        }

        @Test("a day that gets late data is computed with it, and proven")
        func late() async throws {
            try await Template.shared.use { pipeline in
                _ = try await pipeline.expire()
                _ = try await pipeline.appendNextQuotes()
                _ = try await pipeline.log.append(
                    [
                        try Samples.quote(Samples.symbols[1], slot: 20),
                        try Samples.quote(Samples.symbols[1], slot: 21),
                    ])
                try await pipeline.flush()
                try await pipeline.archive()
                try await pipeline.refine()
                try await expectProven(pipeline)
                // The late ones are compacted apart, and expire.
                _ = try await pipeline.expire()
                #expect(try await pipeline.catalog.expirations().count == 2)
                try await expectProven(pipeline)
            }
        }

        @Test(
            "the command says first what it would do, then does it, or what keeps it; restore leaves out what has expired"
        )
        func command() async throws {
            try await Template.shared.use { pipeline in
                let file = try await pipeline.compact()
                let unset = try await BuiltProgram.run(["expire"], pipeline.folder)
                #expect(unset.status == 78 && unset.errors.contains("batch.raw-retention"), "\(unset)")
                let arguments = ["expire", "--grace", "0"] + Self.setting
                let announcement = pipeline.backup.location(of: file.inputs[0] + ".json")
                try Files.rename(announcement, to: announcement + ".away")
                let refused = try await BuiltProgram.run(arguments, pipeline.folder)
                #expect(refused.status == 1 && refused.output.contains("failed: backup does not have"), "\(refused)")
                try Files.rename(announcement + ".away", to: announcement)
                for (step, word) in [("expire", "expired"), ("be removed", "removed")] {
                    let trial = try await BuiltProgram.run(arguments + ["--dry-run"], pipeline.folder)
                    #expect(trial.status == 0 && trial.output.contains("would \(step)"), "\(trial)")
                    #expect(try await pipeline.catalog.expirations().isEmpty == (step == "expire"))
                    #expect(try await pipeline.raw.size(of: file.inputs[0]) != nil)
                    let done = try await BuiltProgram.run(arguments, pipeline.folder)
                    #expect(done.status == 0 && done.output.contains(word), "\(done)")
                }
                for key in file.inputs { #expect(try await pipeline.raw.size(of: key) == nil) }
                let restored = try await BuiltProgram.run(["restore", "--full"], pipeline.folder)
                #expect(restored.status == 0)
                #expect(restored.errors.contains("\(file.inputs.count) left out: they have expired"), "\(restored)")
                let proven = try await BuiltProgram.run(["verify", "--full", "--deep"], pipeline.folder)
                #expect(proven.status == 0, "\(proven)")
                #expect(proven.output.contains("proven up to the cut, but for: 3 rejected"), "\(proven)")
                #expect(proven.output.contains("expired objects: \(file.inputs.count)"))
                let status = try await BuiltProgram.run(["status"], pipeline.folder)
                #expect(status.output.contains("objects expired"), "\(status)")
            }
        }

        @Test("killed at any step, everything is proven all the same, and the next run goes on")
        func killed() async throws {
            try await Template.shared.use { pipeline in
                let file = try await pipeline.compact()
                let arguments = ["expire", "--grace", "0"] + Self.setting
                // The last two are of the removal, which is a run of its own.
                for waypoint in [
                    "retention-recorded", "catalog-before-commit", "retention-expired", "retention-removed-one",
                    "catalog-before-commit", "retention-removed",
                ] {
                    let ended = try await BuiltProgram.run(arguments, pipeline.folder, waypoint: "\(waypoint):kill")
                    #expect(ended.status == SIGKILL, "\(waypoint): \(ended)")
                    try await expectProven(pipeline, VerificationScope(deep: true))
                }
                let last = try await BuiltProgram.run(arguments, pipeline.folder)
                #expect(last.status == 0, "\(last)")
                for key in file.inputs { #expect(try await pipeline.raw.size(of: key) == nil) }
                #expect(try await pipeline.catalog.expirations().map { $0.removedAt != nil } == [true])
                try await expectProven(pipeline)
            }
        }

        @Test(
            "a rebuilt catalog reads the compacted file, or the objects again where it is lost, and is proven",
            arguments: [false, true])
        func rebuild(isLost: Bool) async throws {
            try await Template.shared.use { pipeline in
                let file = try await pipeline.expire()
                if isLost {
                    try Files.remove(file.location)
                    #expect(try await !pipeline.verify(VerificationScope()).isProven)
                }
                let rebuilt = try await BuiltProgram.run(["catalog", "rebuild"], pipeline.folder)
                #expect(rebuilt.status == 0, "\(rebuilt)")
                let computed = try await BuiltProgram.run(["batch", "--once"], pipeline.folder)
                #expect(computed.status == 0, "\(computed)")
                try await expectProven(pipeline)
                #expect(try await pipeline.catalog.expirations().map(\.file) == (isLost ? [] : [file]))
                #expect((try await pipeline.raw.size(of: file.inputs[0]) != nil) == isLost)
                // Compacted again the file is what it was, and its objects expire again.
                if isLost { #expect(try await pipeline.expire() == file) }
            }
        }
    }
}
