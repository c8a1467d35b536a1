import Batch
import Foundation
import Lake
import MarketData
import Runtime
import Testing
import Warehouse

@testable import Verification

extension VerificationSuite {
    /// What verify names is mended by the command that it names.
    @Suite("After a fault", .timeLimit(.minutes(10)))
    struct MendingTests {
        private func command(in message: String) throws -> [String] {
            let quoted = try #require(message.split(separator: "'").first { $0.hasPrefix("pregao ") }, "\(message)")
            return quoted.split(separator: " ").dropFirst().map(String.init)
        }

        /// Runs what the only fault names, and verifies again.
        private func mend(_ pipeline: SmallPipeline, _ report: VerificationReport, _ check: VerificationReport.Check)
            async throws
        {
            let fault = try #require(report.faults.first { $0.message.contains("'pregao ") }, "\(report.faults)")
            #expect(fault.check == check)
            let mended = try await BuiltProgram.run(try command(in: fault.message), pipeline.folder)
            #expect(mended.status == 0, "\(mended)")
            let after = try await pipeline.verify()
            #expect(after.faults == [])
            #expect(after.notes == [])
            #expect(after.tallies[.refined]?.pending == 0)
        }

        @Test(
            "a refined file that is lost or damaged is computed again",
            arguments: ["refined.quotes_1m", "refined.quotes_daily"])
        func refinedFile(model: String) async throws {
            for damage in [Files.remove, Files.truncate, Files.flipByte] {
                try await Template.shared.use { pipeline in
                    try damage(try #require(try await pipeline.published(model).path))
                    try await mend(pipeline, try await pipeline.verify(VerificationScope(full: true)), .refined)
                }
            }
        }

        static let backupDamages: [Damage] = fileDamages.filter { $0.check == .backup }

        @Test("a backup that is lost or damaged is replaced from raw", arguments: backupDamages)
        func backup(_ damage: Damage) async throws {
            try await Template.shared.use { pipeline in
                _ = try await damage.inflict(pipeline)
                try await mend(pipeline, try await pipeline.verify(VerificationScope(full: true)), .backup)
            }
        }

        @Test("after a rebuild of the catalog every model's days are pending, and proven once they are computed")
        func rebuild() async throws {
            try await Template.shared.use { pipeline in
                let rebuilt = try await BuiltProgram.run(["catalog", "rebuild"], pipeline.folder)
                #expect(rebuilt.status == 0, "\(rebuilt)")
                let before = try await pipeline.verify()
                #expect(before.faults == [])
                #expect(before.tallies[.refined]?.checked == 0)
                // Two days of two models, of which one reads the other.
                #expect(before.tallies[.refined]?.pending == 4)
                let told = try await BuiltProgram.run(["verify"], pipeline.folder)
                #expect(told.status == 0)
                #expect(told.output.contains("pending: refined 4"), "\(told)")
                // Where no batch runs they stay so.
                #expect(before.notes.map(\.place) == ["refined.quotes_1m", "refined.quotes_daily"])
                #expect(told.output.contains("is not declared in the catalog"), "\(told)")
                #expect(!told.output.contains("proven: nothing"), "\(told)")

                let computed = try await BuiltProgram.run(["batch", "--once"], pipeline.folder)
                #expect(computed.status == 0, "\(computed)")
                let after = try await pipeline.verify()
                #expect(after.faults == [])
                #expect(after.tallies[.refined]?.checked == 4)
                #expect(after.tallies[.refined]?.pending == 0)
            }
        }

        @Test("a rebuild that would leave an object out keeps the old catalog, unless it is told to")
        func leavingOut() async throws {
            try await Template.shared.use { pipeline in
                let key = try await pipeline.firstQuotes().announcement.key
                try Files.remove(pipeline.raw.location(of: key))
                try Files.remove(pipeline.backup.location(of: key))
                let kept = try await BuiltProgram.run(["catalog", "rebuild"], pipeline.folder)
                #expect(kept.status == 1)
                #expect(kept.errors.contains("\(key): its file is absent"), "\(kept)")
                #expect(kept.errors.contains("--leave-out"), "\(kept)")
                #expect(try await pipeline.catalog.publications().count == 4)
                let replaced = try await BuiltProgram.run(["catalog", "rebuild", "--leave-out"], pipeline.folder)
                #expect(replaced.status == 1)
                #expect(replaced.errors.contains(key), "\(replaced)")
                #expect(try await pipeline.catalog.publications().isEmpty)
            }
        }

        @Test("swept of the refined files that were replaced, and of no other, everything is proven")
        func sweep() async throws {
            try await Template.shared.use { pipeline in
                let replaced = try await pipeline.published("refined.quotes_1m")
                let computed = try await BuiltProgram.run(
                    ["batch", "--once", "--force", "--day", "\(replaced.day)"], pipeline.folder)
                #expect(computed.status == 0, "\(computed)")
                let young = try await BuiltProgram.run(["sweep"], pipeline.folder)
                #expect(young.errors.contains("6 refined files examined, 0 removed"), "\(young)")
                let swept = try await BuiltProgram.run(["sweep", "--grace", "0"], pipeline.folder)
                #expect(swept.status == 0)
                #expect(swept.errors.contains("6 refined files examined, 2 removed"), "\(swept)")
                #expect(!FileManager.default.fileExists(atPath: try #require(replaced.path)))
                #expect(try await pipeline.verify().faults == [])
            }
        }

        static let orphans: [Damage] = (fileDamages + compactionDamages).filter {
            $0.check == .orphans && !$0.name.contains("renamed")
        }

        @Test("an orphan is pending while it is young, then a fault, and gone once it was swept", arguments: orphans)
        func orphan(_ damage: Damage) async throws {
            try await Template.shared.use { pipeline in
                let key = try await damage.inflict(pipeline)
                let young = try await pipeline.verify(VerificationScope())
                #expect(young.faults == [] && young.tallies[.orphans]?.pending == 1)
                let scope = VerificationScope(grace: .zero)
                let old = try await pipeline.verify(scope)
                #expect(old.faults.map(\.place) == [key])
                #expect(old.faults.allSatisfy { $0.message.contains("'pregao sweep'") }, "\(old.faults)")
                let swept = try await BuiltProgram.run(["sweep", "--grace", "0"], pipeline.folder)
                #expect(swept.status == 0 && swept.output.contains(key), "\(swept)")
                let after = try await pipeline.verify(scope)
                #expect(after.faults == [] && after.tallies[.orphans]?.pending == 0)
            }
        }

        @Test(
            "a refined file that a later version replaced is no orphan, whether its snapshot can still be read or not")
        func replaced() async throws {
            try await Template.shared.use { pipeline in
                let day = try await pipeline.published("refined.quotes_1m").day
                let computed = try await BuiltProgram.run(
                    ["batch", "--once", "--force", "--day", "\(day)"], pipeline.folder)
                #expect(computed.status == 0, "\(computed)")
                let scope = VerificationScope(grace: .zero)
                #expect(try await pipeline.verify(scope).faults == [])
                let expired = try await pipeline.catalog.maintain(olderThan: SystemWallClock().now())
                #expect(expired.snapshots > 0)
                let report = try await pipeline.verify(scope)
                #expect(report.faults == [] && report.tallies[.orphans]?.pending ?? 0 == 0)
            }
        }

        /// The bundled models, and one that gives no row below `price`.
        private func models(above price: Int) throws -> Models {
            let source = try #require(TableName("raw.quotes"))
            let model = Model(
                table: try #require(TableName("refined.dear")), description: "Dear quotes.",
                columns: [ModelColumn("symbol", .text, "Symbol."), ModelColumn("trading_day", .day, "Day.")],
                grain: ["symbol"], sources: [source],
                query: "SELECT DISTINCT symbol, trading_day FROM raw.quotes WHERE price > \(price)")
            return try Models(Models.bundled().inOrder + [model])
        }

        @Test("a day for which a model gives no row is proven like another, and not where it should have one")
        func dayWithoutRows() async throws {
            try await Template.shared.use { pipeline in
                let models = try models(above: 1_000_000)
                try await pipeline.refine(models: models)
                let published = try await pipeline.catalog.publications(of: "refined.dear")
                #expect(published.map(\.path) == [nil, nil] && published.map(\.rows) == [0, 0])
                let report = try await pipeline.verify(models: models)
                #expect(report.faults == [])
                #expect(report.notes == [])
                #expect(report.tallies[.refined]?.checked == 6)

                let other = try await pipeline.verify(models: try self.models(above: 0))
                #expect(other.faults.map(\.place) == published.map { "refined.dear \($0.day)" })
                #expect(other.faults.allSatisfy { $0.message.contains("2 rows missing") }, "\(other.faults)")
            }
        }
    }
}
