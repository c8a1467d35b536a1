import Batch
import MarketData
import Testing

@Suite("What the batch computes next")
struct BatchScheduleTests {
    private static let day = Samples.day
    private static let noon = day.startInUTC.adding(microseconds: 12 * 3_600_000_000)
    private static let closed = day.adding(days: 1).startInUTC.adding(microseconds: 6 * 60_000_000)

    private let key = BatchSchedule.Key(model: Samples.minutes.table, day: day)

    private func schedule(refresh: Duration? = nil) -> BatchSchedule {
        BatchSchedule(
            models: [Samples.minutes, Samples.daily], refresh: refresh, shortestPause: .seconds(1),
            longestPause: .seconds(60))
    }

    private func change(_ sequence: Int64, from: Int64 = 0, to: Int64 = 0) -> BatchSchedule.Change {
        let first = Self.noon.adding(microseconds: from * 1_000_000)
        return BatchSchedule.Change(
            sequence: sequence, moments: first...Self.noon.adding(microseconds: to * 1_000_000))
    }

    private func work(
        _ schedule: BatchSchedule, at now: Instant = Self.noon, uptime: Duration = .zero, model: Model = Samples.minutes
    ) -> [BatchSchedule.Work] { schedule.work(of: model, now: now, uptime: uptime) }

    @Test("a clean day is left alone")
    func clean() {
        #expect(work(schedule()).isEmpty)
        #expect(work(schedule(), at: Self.closed).isEmpty)
    }

    @Test("an open day is computed in the whole windows that changed")
    func windows() throws {
        var schedule = schedule()
        schedule.observe([key: change(1, from: 70, to: 130)], uptime: .zero)
        let minute: Int64 = 60_000_000
        let expected = Self.noon.adding(microseconds: minute)..<Self.noon.adding(microseconds: 3 * minute)
        #expect(try #require(work(schedule).first).extent == .windows(expected))
    }

    @Test("an open day is refreshed at the model's interval at most")
    func refreshInterval() throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        schedule.ended(try #require(work(schedule).first), as: .published, byWindows: true, uptime: .seconds(10))
        schedule.observe([key: change(2)], uptime: .seconds(11))
        #expect(work(schedule, uptime: .seconds(309)).isEmpty)
        #expect(work(schedule, uptime: .seconds(310)).count == 1)
    }

    @Test("the settings' interval takes the place of the models'")
    func overriddenInterval() throws {
        var schedule = schedule(refresh: .seconds(5))
        schedule.observe([key: change(1)], uptime: .zero)
        schedule.ended(try #require(work(schedule).first), as: .published, byWindows: true, uptime: .zero)
        schedule.observe([key: change(2)], uptime: .zero)
        #expect(work(schedule, uptime: .seconds(4)).isEmpty)
        #expect(work(schedule, uptime: .seconds(5)).count == 1)
    }

    @Test("the interval is kept over a while in which the day is clean")
    func intervalOverCleanWhile() throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        schedule.ended(try #require(work(schedule).first), as: .published, byWindows: false, uptime: .zero)
        schedule.observe([:], uptime: .seconds(1))
        schedule.observe([key: change(2)], uptime: .seconds(2))
        #expect(work(schedule, uptime: .seconds(2)).isEmpty)
    }

    @Test("a day refreshed by windows is computed whole at its close, clean or not")
    func close() throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        schedule.ended(try #require(work(schedule).first), as: .published, byWindows: true, uptime: .zero)
        schedule.observe([:], uptime: .zero)
        let justBefore = Self.day.adding(days: 1).startInUTC.adding(microseconds: 5 * 60_000_000 - 1)
        #expect(work(schedule, at: justBefore).isEmpty)
        let closing = try #require(work(schedule, at: justBefore.adding(microseconds: 1)).first)
        #expect(closing.extent == .wholeDay)
        schedule.ended(closing, as: .published, byWindows: false, uptime: .zero)
        #expect(work(schedule, at: Self.closed, uptime: .seconds(900)).isEmpty)
    }

    @Test("late data makes a closed day be computed whole")
    func late() throws {
        var schedule = schedule()
        schedule.observe([key: change(9)], uptime: .zero)
        #expect(try #require(work(schedule, at: Self.closed).first).extent == .wholeDay)
    }

    @Test("a day whose checks failed waits until more of it has changed")
    func failedChecks() throws {
        var schedule = schedule()
        schedule.observe([key: change(4)], uptime: .zero)
        schedule.ended(try #require(work(schedule).first), as: .checksFailed, byWindows: false, uptime: .zero)
        #expect(work(schedule, uptime: .seconds(86_400)).isEmpty)
        schedule.observe([key: change(5)], uptime: .zero)
        #expect(work(schedule, uptime: .seconds(86_400)).count == 1)
    }

    @Test("what could not be done is tried again after pauses that double, up to the longest")
    func pauses() throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        var uptime = Duration.zero
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            schedule.ended(
                try #require(work(schedule, uptime: uptime).first), as: .notDone, byWindows: false, uptime: uptime)
            uptime += .seconds(pause)
            #expect(work(schedule, uptime: uptime - .microseconds(1)).isEmpty)
        }
        #expect(work(schedule, uptime: uptime).count == 1)
    }

    @Test("a day that another process published meanwhile is looked at again at once")
    func discarded() throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        schedule.ended(try #require(work(schedule).first), as: .discarded, byWindows: false, uptime: .zero)
        #expect(work(schedule).count == 1)
    }

    @Test("a model due after the close and without refresh leaves open days alone")
    func closedOnly() {
        let model = Samples.minutesModel(refresh: nil)
        var schedule = BatchSchedule(models: [model], shortestPause: .seconds(1), longestPause: .seconds(1))
        schedule.observe([key: change(1)], uptime: .zero)
        #expect(work(schedule, model: model).isEmpty)
        #expect(work(schedule, at: Self.closed, model: model).count == 1)
    }

    @Test("a model due on arrival is computed whenever it is dirty")
    func onArrival() throws {
        var schedule = schedule()
        let daily = BatchSchedule.Key(model: Samples.daily.table, day: Self.day)
        schedule.observe([daily: change(1)], uptime: .zero)
        let first = try #require(work(schedule, model: Samples.daily).first)
        schedule.ended(first, as: .published, byWindows: false, uptime: .zero)
        schedule.observe([daily: change(2)], uptime: .zero)
        #expect(work(schedule, model: Samples.daily).count == 1)
    }

    @Test("the newest days come first")
    func newestFirst() {
        var schedule = schedule()
        let days = [3, 1, 2].map { Self.day.adding(days: -$0) }
        schedule.observe(
            Dictionary(
                uniqueKeysWithValues: days.map { (BatchSchedule.Key(model: key.model, day: $0), change(1)) }),
            uptime: .zero)
        #expect(work(schedule).map(\.key.day) == days.sorted(by: >))
    }

    // MARK: - A wall clock that jumps

    private static let tomorrowNoon = noon.adding(microseconds: 86_400_000_000)
    private static let yesterdayNoon = noon.adding(microseconds: -86_400_000_000)

    @Test("a day that a jump forward closed too early is open again after it, and computed whole at its own close")
    func forwardAndBack() throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        schedule.ended(try #require(work(schedule).first), as: .published, byWindows: true, uptime: .zero)
        let early = try #require(work(schedule, at: Self.tomorrowNoon, uptime: .seconds(1)).first)
        #expect(early.extent == .wholeDay)
        schedule.ended(early, as: .published, byWindows: false, uptime: .seconds(1))
        schedule.observe([:], uptime: .seconds(1))
        #expect(work(schedule, at: Self.tomorrowNoon, uptime: .seconds(900)).isEmpty)

        schedule.observe([key: change(2)], uptime: .seconds(900))
        let open = try #require(work(schedule, uptime: .seconds(900)).first)
        #expect(open.extent != .wholeDay)
        schedule.ended(open, as: .published, byWindows: true, uptime: .seconds(900))
        schedule.observe([:], uptime: .seconds(900))
        #expect(work(schedule, uptime: .seconds(1800)).isEmpty)
        #expect(try #require(work(schedule, at: Self.closed, uptime: .seconds(1800)).first).extent == .wholeDay)
    }

    @Test("a day that a jump back opened again is computed whole once the clock is right")
    func backAndForward() throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        let whole = try #require(work(schedule, at: Self.closed).first)
        schedule.ended(whole, as: .published, byWindows: false, uptime: .zero)
        schedule.observe([key: change(2)], uptime: .seconds(300))
        let late = try #require(work(schedule, at: Self.yesterdayNoon, uptime: .seconds(300)).first)
        schedule.ended(late, as: .published, byWindows: true, uptime: .seconds(300))
        schedule.observe([:], uptime: .seconds(300))
        #expect(work(schedule, at: Self.yesterdayNoon, uptime: .seconds(900)).isEmpty)
        #expect(try #require(work(schedule, at: Self.closed, uptime: .seconds(900)).first).extent == .wholeDay)
    }

    @Test("pauses and intervals are as long as ever", arguments: [tomorrowNoon, yesterdayNoon])
    func pausesOverJumps(now: Instant) throws {
        var schedule = schedule()
        schedule.observe([key: change(1)], uptime: .zero)
        let first = try #require(work(schedule).first)
        schedule.ended(first, as: .notDone, byWindows: false, uptime: .zero)
        #expect(work(schedule, at: now, uptime: .milliseconds(999)).isEmpty)
        let second = try #require(work(schedule, at: now, uptime: .seconds(1)).first)
        schedule.ended(second, as: .published, byWindows: false, uptime: .seconds(1))
        schedule.observe([key: change(2)], uptime: .seconds(1))
        #expect(work(schedule, at: now, uptime: .seconds(300)).isEmpty)
        #expect(work(schedule, at: now, uptime: .seconds(301)).count == 1)
    }
}
