import EventLog
import Foundation
import Lake
import MarketData
import Testing
import Warehouse

@testable import Verification

extension VerificationSuite {
    @Suite("Verify", .timeLimit(.minutes(10)))
    struct VerifyTests {
        @Test("proves a pipeline in which nothing is missing and nothing is twice, and counts it")
        func provesWholePipeline() async throws {
            try await Template.shared.use { pipeline in
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.notes == [])
                #expect(report.tallies.values.reduce(0) { $0 + $1.pending } == 0)
                // 19 quotes and a gap of each symbol; three messages that cannot be read.
                #expect(
                    report.counts.map { "\($0.name) \($0.value)" } == [
                        "rows 40", "rejected 3", "lost to retention 0", "before the first start 0",
                        "expired objects 0",
                    ])
                #expect(report.tallies[.messages]?.checked == 43)
                #expect(report.tallies[.slots]?.checked == 40)
                #expect(Set(try await pipeline.quotes().map(\.announcement.partition)) == [0, 1])
                // Two days of two models.
                #expect(report.tallies[.refined]?.checked == 4)
                #expect(report.tallies[.objects]?.checked == report.tallies[.ranges]?.checked)
            }
        }

        @Test("proves compacted days as well, row for row, and counts each row once")
        func provesCompacted() async throws {
            try await Template.shared.use { pipeline in
                let before = try await pipeline.verify()
                let file = try await pipeline.compact()
                #expect(file.inputs.count > 1)
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.counts.map(\.value) == before.counts.map(\.value))
                #expect(report.tallies[.refined]?.checked == before.tallies[.refined]?.checked)
            }
        }

        @Test(
            "finds each damage and names its place",
            arguments: fileDamages + catalogDamages + compactionDamages + expirationDamages + stageDamages + slotDamages
        )
        func findsDamage(_ damage: Damage) async throws {
            try await Template.shared.use { pipeline in
                let place = try await damage.inflict(pipeline)
                if let less = damage.effort.less {
                    let report = try await pipeline.verify(less)
                    #expect(report.isProven, "found with less: \(report.faults)")
                }
                var scope = damage.effort.scope
                // Orphans are as young as the test.
                if damage.check == .orphans { scope.grace = .zero }
                let report = try await pipeline.verify(scope)
                #expect(!report.isProven)
                let found = report.faults.contains { $0.check == damage.check && $0.place.contains(place) }
                #expect(found, "no \(damage.check.rawValue) fault at \(place) in \(report.faults)")
            }
        }
    }
}
