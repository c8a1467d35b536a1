import EventLog
import Foundation
import Lake
import MarketData
import Synchronization
import Testing
import Warehouse

@testable import Verification

extension VerificationSuite {
    /// Logs that give offsets as Kafka's do, tell less, or are not the one that the ledger's objects are of.
    @Suite("Verify with another log", .timeLimit(.minutes(10)))
    struct OtherLogTests {
        /// Has the template's pipeline opened anew with another log over the same messages.
        private func reopening(
            _ altering: @Sendable (inout AlteredLog) -> Void,
            _ body: @Sendable (SmallPipeline) async throws -> Void
        ) async throws {
            try await Template.shared.use { pipeline in
                await pipeline.log.close()
                try await SmallPipeline.with(pipeline.folder, altering: altering) { reopened in
                    try await reopened.catalog.open(datasets: Datasets.all, create: false)
                    try await body(reopened)
                }
            }
        }

        @Test("proves a topic that goes on where it was under an epoch that was set anew")
        func epochSetAnew() async throws {
            try await reopening({ $0.epoch = "setanew1" }) { pipeline in
                #expect(try await pipeline.verify().faults == [])
                let symbols = Samples.symbols
                _ = try await pipeline.log.append(symbols.map { try Samples.quote($0, slot: 20) })
                _ = try await pipeline.log.append([Samples.unreadable(symbols[0])])
                let announced = try await pipeline.flush()
                #expect(!announced.contains { $0.start == 0 })
                #expect(try await pipeline.verify().faults == [])
                try await pipeline.archive()
                try await pipeline.refine()
                #expect(try await pipeline.verify().faults == [])

                let object = try #require(announced.first { $0.dataset == "quotes" })
                try await pipeline.edit("DELETE FROM lake.pregao.objects WHERE key = '\(object.key)';")
                let found = try await pipeline.verify()
                #expect(found.faults.contains { $0.check == .ranges && $0.place.contains("setanew1") })
            }
        }

        @Test("proves objects of an earlier log by their offsets, and finds one that has more rows than offsets")
        func earlierObjects() async throws {
            try await reopening({ $0.epoch = "setanew1" }) { pipeline in
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.tallies[.messages]?.checked == 43)

                let object = try await pipeline.firstQuotes()
                try await pipeline.edit(object, "rows = rows + 1")
                let found = try await pipeline.verify()
                #expect(found.faults.contains { $0.check == .messages && $0.place == object.announcement.key })
            }
        }

        /// A pipeline whose log's offsets have gaps inside an object with a rejected message.
        private func withGaps(_ body: @Sendable (SmallPipeline) async throws -> Void) async throws {
            try await withTemporaryFolder { folder in
                try await SmallPipeline.with(folder, altering: { $0.hasOffsetGaps = true }) { pipeline in
                    try await pipeline.prepare()
                    _ = try await pipeline.log.append(Samples.symbols.map { try Samples.quote($0, slot: 0) })
                    for _ in 0..<3 { _ = try await pipeline.log.append([Samples.unreadable("superseded")]) }
                    try await pipeline.log.declare(
                        TopicDeclaration(name: Datasets.quotes.topic, partitions: 2, retention: Retention(.compact)))
                    try await pipeline.log.applyRetention(now: nil)
                    try await pipeline.flush()
                    try await pipeline.archive()
                    try await pipeline.refine()
                    try await body(pipeline)
                }
            }
        }

        @Test("takes no gap between offsets for a message that is missing")
        func gaps() async throws {
            try await withGaps { pipeline in
                let objects = try await pipeline.quotes().map(\.announcement)
                #expect(objects.contains { $0.rejected == 1 && $0.rows + $0.rejected < $0.end - $0.start })
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.notes == [])
            }
        }

        @Test("holds objects of a log with gaps against one without for no more than they can have")
        func movedFromGaps() async throws {
            try await withGaps { pipeline in
                await pipeline.log.close()
                try Files.remove("\(pipeline.folder)/log")
                try await SmallPipeline.with(pipeline.folder) { moved in
                    let report = try await moved.verify()
                    #expect(report.faults == [])
                    #expect(
                        report.notes.contains { $0.check == .messages && $0.message.contains("another than its own") })
                }
            }
        }

        @Test("counts the messages of objects that came after the cut as well")
        func cameAfterCut() async throws {
            let arrival = Mutex<(@Sendable () async -> Void)?>(nil)
            try await reopening({ log in
                log.hasOffsetGaps = true
                log.meanwhile = { question throws(LogError) in
                    // The last that the cut asks for.
                    guard question == .watermarks("pregao.poll-slots") else { return }
                    await arrival.withLock { $0.take() }?()
                }
            }) { pipeline in
                arrival.withLock {
                    $0 = {
                        _ = try? await pipeline.appendNextQuotes()
                        _ = try? await pipeline.flush()
                        try? await pipeline.archive()
                    }
                }
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.notes == [])
                #expect(report.tallies[.messages]?.checked == 45)
            }
        }

        @Test("looks again for what a commit announced, whose positions it saw first")
        func announcedLate() async throws {
            let announcement = Mutex<OutgoingMessage?>(nil)
            let questions = Mutex(0)
            try await reopening({ log in
                let base = log.base
                log.hasOffsetGaps = true
                log.meanwhile = { question throws(LogError) in
                    guard question == .watermarks(Announcement.topic) else { return }
                    let number = questions.withLock { count in
                        count += 1
                        return count
                    }
                    guard number > 1, let late = announcement.withLock({ $0.take() }) else { return }
                    _ = try await base.append([late])
                }
            }) { pipeline in
                _ = try await pipeline.appendNextQuotes()
                let made = try #require(try await pipeline.flush(announcing: false).first)
                announcement.withLock { $0 = pipeline.message(of: made) }
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.tallies[.ranges]?.pending == 1)
            }
        }

        @Test("needs no list of the topics")
        func noList() async throws {
            try await reopening({ $0.listsTopics = false }) { pipeline in
                let report = try await pipeline.verify()
                #expect(report.faults == [])
                #expect(report.notes == [])
            }
        }

        @Test("names an old object of another log that nothing covers")
        func strandedOrphan() async throws {
            try await Template.shared.use { pipeline in
                let offset = try await pipeline.appendNextQuotes()
                let source = try await pipeline.partition(of: offset)
                let made = try await pipeline.encode(source, of: Datasets.quotes, offset..<offset + 2).announcement
                await pipeline.log.close()
                try Files.remove("\(pipeline.folder)/log")
                try await SmallPipeline.with(pipeline.folder) { renewed in
                    #expect(try await renewed.verify().faults == [])
                    let report = try await renewed.verify(VerificationScope(grace: .zero))
                    #expect(report.faults.map(\.place) == [made.key])
                    #expect(report.faults.allSatisfy { $0.check == .orphans })
                }
            }
        }

        @Test("names holes of which no account says whether they are due, and proves nothing of them")
        func withoutAccounts() async throws {
            try await Template.shared.use { pipeline in
                try await pipeline.appendAndArchive([try Samples.quote(Samples.symbols[0], slot: 25)])
                await pipeline.log.close()
                try Files.remove("\(pipeline.folder)/log")
                try await SmallPipeline.with(pipeline.folder) { renewed in
                    let report = try await renewed.verify()
                    #expect(report.faults == [])
                    #expect(report.notes.filter { $0.check == .slots }.map(\.place) == ["coinbase-spot BTC-USD spot"])
                    #expect(report.tallies[.slots]?.pending ?? 0 == 0)
                }
            }
        }
    }
}
