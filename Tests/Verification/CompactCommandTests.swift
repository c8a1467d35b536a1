import Lake
import Testing
import Verification
import Warehouse

extension VerificationSuite {
    /// The built program's `pregao compact`.
    @Suite("pregao compact", .timeLimit(.minutes(10)))
    struct CompactCommandTests {
        @Test("goes on where one cannot be compacted, names it and exits with 1; with 0 once nothing is left to do")
        func exitCodes() async throws {
            try await Template.shared.use { pipeline in
                let gaps = try await pipeline.catalog.objects(limit: 100).filter { $0.announcement.dataset == "gaps" }
                let lost = try #require(gaps.first)
                let aside = lost.location + ".aside"
                try Files.rename(lost.location, to: aside)
                let failed = try await BuiltProgram.run(["compact"], pipeline.folder)
                #expect(failed.status == 1, "\(failed)")
                #expect(failed.errors.contains("compact \(gaps.count) objects of gaps"), "\(failed)")
                #expect(try await pipeline.catalog.compactedFiles().map(\.dataset) == ["quotes"])

                try Files.rename(aside, to: lost.location)
                let whole = try await BuiltProgram.run(["compact"], pipeline.folder)
                #expect(whole.status == 0, "\(whole)")
                #expect(try await pipeline.catalog.compactedFiles().map(\.dataset) == ["gaps", "quotes"])
                #expect(try await pipeline.verify().faults == [])
            }
        }
    }
}
