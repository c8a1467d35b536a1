import MarketData
import Testing
import Warehouse

@testable import Batch

@Suite("Which day is compacted next")
struct CompactionScheduleTests {
    private static let days = (0..<2).map {
        CompactableDay(dataset: "quotes", day: Samples.day.adding(days: $0), objects: 5)
    }

    private func schedule() -> CompactionSchedule {
        CompactionSchedule(shortestPause: .seconds(10), longestPause: .seconds(35))
    }

    private func report(_ day: CompactableDay, files: Int = 0, failing: Bool = false) -> CompactionReport {
        var report = CompactionReport(dataset: day.dataset, day: day.day)
        report.files = files
        if failing { report.failures = [BatchError(.engine, doing: "compact", cause: "no")] }
        return report
    }

    @Test("the oldest")
    func oldest() {
        var schedule = schedule()
        #expect(schedule.next(of: Self.days, uptime: .zero) == Self.days[0])
        #expect(schedule.next(of: [], uptime: .zero) == nil)
    }

    @Test("one that failed waits, twice as long each time up to the longest pause, whatever was made of it")
    func failures() {
        var schedule = schedule()
        let (first, second) = (Self.days[0], Self.days[1])
        var now: Duration = .zero
        for (number, pause) in [10, 20, 35, 35].enumerated() {
            schedule.ended(first, as: report(first, files: number % 2, failing: true), uptime: now)
            #expect(schedule.next(of: Self.days, uptime: now + .seconds(pause - 1)) == second)
            #expect(schedule.next(of: [first], uptime: now + .seconds(pause - 1)) == nil)
            now += .seconds(pause)
            #expect(schedule.next(of: Self.days, uptime: now) == first)
        }
        schedule.ended(first, as: report(first, files: 1), uptime: now)
        #expect(schedule.next(of: Self.days, uptime: now) == first)
        schedule.ended(first, as: report(first, failing: true), uptime: now)
        #expect(schedule.next(of: Self.days, uptime: now + .seconds(10)) == first)
    }

    @Test("one of which nothing could be made is passed by until it holds other objects")
    func fruitless() {
        var schedule = schedule()
        let (first, second) = (Self.days[0], Self.days[1])
        schedule.ended(first, as: report(first), uptime: .zero)
        #expect(schedule.next(of: Self.days, uptime: .seconds(1_000_000)) == second)
        let grown = CompactableDay(dataset: first.dataset, day: first.day, objects: 6)
        #expect(schedule.next(of: [grown, second], uptime: .zero) == grown)
    }

    @Test("a day that was done and is due again has no past")
    func forgets() {
        var schedule = schedule()
        let (first, second) = (Self.days[0], Self.days[1])
        schedule.ended(first, as: report(first, failing: true), uptime: .zero)
        #expect(schedule.next(of: [second], uptime: .zero) == second)
        #expect(schedule.next(of: Self.days, uptime: .zero) == first)
    }

    @Test("days of one date and two datasets are each their own")
    func datasets() {
        var schedule = schedule()
        let quotes = Self.days[0]
        let bars = CompactableDay(dataset: "bars", day: quotes.day, objects: 5)
        schedule.ended(bars, as: report(bars, failing: true), uptime: .zero)
        #expect(schedule.next(of: [bars, quotes], uptime: .zero) == quotes)
    }
}
