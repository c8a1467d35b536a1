import EventLog
import Lake
import MarketData
import Testing
import Warehouse

@testable import Verification

extension VerificationSuite {
    @Suite("Verify at a cut of a running pipeline", .timeLimit(.minutes(10)))
    struct PendingTests {
        /// What is under way, and what is to be counted as pending.
        struct Moment: Sendable, CustomTestStringConvertible {
            let testDescription: String
            let check: VerificationReport.Check
            let come: @Sendable (SmallPipeline) async throws -> Void

            init(
                _ name: String, _ check: VerificationReport.Check,
                come: @escaping @Sendable (SmallPipeline) async throws -> Void
            ) {
                testDescription = name
                self.check = check
                self.come = come
            }
        }

        @Test("takes nothing that is under way for a fault", arguments: moments)
        func underWay(_ moment: Moment) async throws {
            try await Template.shared.use { pipeline in
                try await moment.come(pipeline)
                var scope = VerificationScope(full: true, deep: true)
                scope.grace = .zero
                let report = try await pipeline.verify(scope)
                #expect(report.faults == [])
                #expect(report.tallies[moment.check]?.pending ?? 0 > 0)
            }
        }

        static let moments = [
            Moment("quotes appended", .messages) { pipeline in _ = try await pipeline.appendNextQuotes() },
            Moment("an object put and not announced", .orphans) { pipeline in
                let offset = try await pipeline.appendNextQuotes()
                let all = try await pipeline.log.watermarks(of: Datasets.quotes.topic)
                for (partition, marks) in all where marks.end == offset + 2 {
                    _ = try await pipeline.encode(partition, of: Datasets.quotes, offset..<marks.end)
                }
            },
            Moment("objects announced and not archived", .ranges) { pipeline in
                _ = try await pipeline.appendNextQuotes()
                try await pipeline.flush()
            },
            Moment("an archiver between registering and committing", .refined) { pipeline in
                _ = try await pipeline.appendNextQuotes()
                try await pipeline.flush()
                try await pipeline.archive(committing: false)
            },
            Moment("a day that is dirty", .refined) { pipeline in
                _ = try await pipeline.appendNextQuotes()
                try await pipeline.flush()
                try await pipeline.archive()
            },
            Moment("slots accounted for by what is not archived", .slots) { pipeline in
                _ = try await pipeline.log.append(Samples.symbols.map { try Samples.gap($0, slots: 20..<22) })
                _ = try await pipeline.log.append(Samples.symbols.map { try Samples.quote($0, slot: 22) })
                // The quotes' objects are archived, the gaps' are not.
                try await pipeline.flush()
                try await pipeline.archive(only: Datasets.quotes)
                _ = try await pipeline.log.append([try await Samples.accounts(until: 23, log: pipeline.log)])
            },
        ]

        @Test("counts what waits for flushers that have never committed")
        func neverFlushed() async throws {
            try await withTemporaryFolder { folder in
                try await SmallPipeline.with(folder) { pipeline in
                    try await pipeline.prepare()
                    _ = try await pipeline.log.append(Samples.symbols.map { try Samples.quote($0, slot: 0) })
                    let report = try await pipeline.verify()
                    #expect(report.faults == [])
                    #expect(report.tallies[.messages]?.pending == 2)
                }
            }
        }

        @Test("shows what was lost to retention, which is no fault and covers no slots")
        func lostToRetention() async throws {
            try await Template.shared.use { pipeline in
                let before = try await pipeline.verify().tallies[.slots]
                _ = try await pipeline.log.append([
                    try Samples.lost(3..<9, after: Samples.midnight),
                    try Samples.lost(20..<30, after: Samples.midnight.adding(microseconds: 600_000_000)),
                ])
                try await pipeline.flush()
                try await pipeline.archive()
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                let told = report.notes.filter { $0.check == .slots }
                #expect(Set(told.map(\.place)) == ["pregao.quotes/0"])
                #expect(
                    told.map(\.message) == ["lost to retention: offsets 20 to 29", "lost to retention: offsets 3 to 8"])
                #expect(report.tallies[.slots]?.checked == before?.checked)
                #expect(report.tallies[.slots]?.pending == before?.pending)
            }
        }

        @Test("finds nothing wrong before the first message")
        func emptyPipeline() async throws {
            try await withTemporaryFolder { folder in
                let pipeline = try await SmallPipeline(folder: folder)
                // No topic is declared, and no model.
                try await pipeline.catalog.open(datasets: Datasets.all, create: true)
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.counts.allSatisfy { $0.value == 0 })
                await pipeline.log.close()
            }
        }

        @Test("holds what an earlier log left against itself alone")
        func earlierLog() async throws {
            try await Template.shared.use { pipeline in
                await pipeline.log.close()
                try Files.remove("\(pipeline.folder)/log")
                let renewed = try await SmallPipeline(folder: pipeline.folder)
                let report = try await renewed.verify()
                #expect(report.faults == [])
                let epoch = pipeline.log.epoch
                #expect(report.notes.filter { $0.check != .messages }.map(\.place) == ["epoch \(epoch)"])
                await renewed.log.close()
            }
        }

        @Test("since a day, finds a series that has neither quote nor gap since the day before it")
        func silentSince() async throws {
            try await Template.shared.use { pipeline in
                // Two days after the last quote.
                let slot = 2 * 86_400
                _ = try await pipeline.log.append([
                    try await Samples.accounts(from: 0, until: slot, log: pipeline.log)
                ])
                let day = Samples.start(ofSlot: slot).utcDay
                let report = try await pipeline.verify(VerificationScope(since: day))
                #expect(report.faults.map(\.place) == Samples.symbols.map { "coinbase-spot \($0) spot" })
                let before = "from \(day.startInUTC) to \(Samples.start(ofSlot: slot))"
                #expect(report.faults.allSatisfy { $0.check == .slots && $0.message.contains(before) })
            }
        }

        @Test("since a day, leaves out what lies before it")
        func since() async throws {
            try await Template.shared.use { pipeline in
                let first = try await pipeline.firstQuotes()
                try Files.remove(pipeline.backup.location(of: first.announcement.key))
                let day = Samples.midnight.utcDay
                let bounded = try await pipeline.verify(VerificationScope(full: true, deep: true, since: day))
                #expect(bounded.faults == [])
                #expect(bounded.tallies[.refined]?.checked == 2)
                let whole = try await pipeline.verify(VerificationScope(full: true))
                #expect(whole.faults.map(\.place) == [first.announcement.key])
            }
        }
    }
}
