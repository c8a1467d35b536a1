import MarketData
import Testing

@testable import Poller

private let second: Int64 = 1_000_000
private let start = Instant(microseconds: 1_700_000_000 * second)

/// Both clocks, moved by hand.
private struct TestClocks {
    var monotonic: Int64 = 5 * second
    var wall = start

    var reading: ClockReading { ClockReading(monotonic: monotonic, wall: wall) }

    mutating func advance(_ microseconds: Int64) {
        monotonic += microseconds
        wall = wall.adding(microseconds: microseconds)
    }
}

extension PollSchedule {
    fileprivate mutating func events(at reading: ClockReading) -> [Event] {
        _ = follow(reading)
        var events: [Event] = []
        while let event = next(at: reading) { events.append(event) }
        return events
    }
}

extension [PollSchedule.Event] {
    /// The slots of a series that came as due, and those that came as missed, in order.
    fileprivate func slots(of series: Int, interval: Int64) -> (due: [Range<Instant>], missed: [Range<Instant>]) {
        var due: [Range<Instant>] = []
        var missed: [Range<Instant>] = []
        for event in self {
            switch event {
            case .due(series, let slot, _): due.append(slot..<slot.adding(microseconds: interval))
            case .missed(series, let from, let to, _): missed.append(from..<to)
            default: break
            }
        }
        return (due, missed)
    }
}

private func rhythms(_ count: Int, interval: Int64 = second) -> [PollSchedule.Rhythm] {
    (0..<count).map {
        PollSchedule.Rhythm(interval: interval, phase: PollSchedule.phase(ofNumber: $0, interval: interval))
    }
}

/// Each slot comes once, and they tile.
private func expectTiling(_ ranges: [Range<Instant>], sourceLocation: SourceLocation = #_sourceLocation) {
    let sorted = ranges.sorted { $0.lowerBound < $1.lowerBound }
    for (range, next) in zip(sorted, sorted.dropFirst()) {
        #expect(range.upperBound == next.lowerBound, sourceLocation: sourceLocation)
    }
}

struct PollScheduleTests {
    @Test("10,000 series start spread over the second: no millisecond has more than its share and one")
    func spread() {
        var perMillisecond: [Int64: Int] = [:]
        for rhythm in rhythms(10_000) { perMillisecond[rhythm.phase / 1000, default: 0] += 1 }
        #expect(perMillisecond.count == 1000)
        #expect((perMillisecond.values.max() ?? 0) <= 12)
    }

    @Test("10,000 series over an hour of uneven wake-ups: each slot once, on its grid, never drifting")
    func neverDrifts() {
        var clocks = TestClocks()
        let rhythms = rhythms(10_000, interval: 60 * second)
        var schedule = PollSchedule(rhythms, at: clocks.reading)
        var last = [Int64?](repeating: nil, count: rhythms.count)
        var polls = 0
        var faults: [PollSchedule.Event] = []
        var wakeUps: Int64 = 0
        while clocks.wall < start.adding(microseconds: 3600 * second) {
            wakeUps += 1
            clocks.advance(1 + (wakeUps &* 7919) % 900_000)
            for event in schedule.events(at: clocks.reading) {
                guard case .due(let series, let slot, let lateness) = event,
                    slot.microseconds % (60 * second) == rhythms[series].phase, (0..<900_000).contains(lateness),
                    last[series] == nil || slot.microseconds == (last[series] ?? 0) + 60 * second
                else {
                    faults.append(event)
                    continue
                }
                polls += 1
                last[series] = slot.microseconds
            }
        }
        #expect(faults.isEmpty)
        #expect((599_000...601_000).contains(polls))
    }

    @Test("A poll that starts late is not followed by a later one: the next is due on the grid")
    func lateness() {
        var clocks = TestClocks()
        var schedule = PollSchedule([PollSchedule.Rhythm(interval: second, phase: 0)], at: clocks.reading)
        #expect(schedule.events(at: clocks.reading) == [.due(series: 0, slot: start, lateness: 0)])
        clocks.advance(second + 400_000)
        #expect(
            schedule.events(at: clocks.reading) == [
                .due(series: 0, slot: start.adding(microseconds: second), lateness: 400_000)
            ])
        #expect(schedule.nextDue == clocks.monotonic + 600_000)
    }

    @Test("A thread held up for long misses whole slots, and polls the one that it wakes in")
    func stall() {
        var clocks = TestClocks()
        var schedule = PollSchedule([PollSchedule.Rhythm(interval: second, phase: 0)], at: clocks.reading)
        clocks.advance(3 * second + 100_000)
        #expect(
            schedule.events(at: clocks.reading) == [
                .missed(series: 0, from: start, to: start.adding(microseconds: 3 * second), cause: .stall),
                .due(series: 0, slot: start.adding(microseconds: 3 * second), lateness: 100_000),
            ])
    }

    @Test(
        "A wall clock that jumps: every slot comes once, due or missed, and the series are soon on the grid again",
        arguments: [-7_200, -90, -10, -1, 1, 2, 90, 7_200] as [Int64])
    func jumps(seconds: Int64) {
        var clocks = TestClocks()
        let rhythms = rhythms(20)
        var schedule = PollSchedule(rhythms, at: clocks.reading)
        var events: [PollSchedule.Event] = []
        for step in 0..<(200 * 20) {
            if step == 60 {
                clocks.wall = clocks.wall.adding(microseconds: seconds * second)
            }
            events += schedule.events(at: clocks.reading)
            clocks.advance(50_000)
        }
        for series in rhythms.indices {
            let (due, missed) = events.slots(of: series, interval: second)
            expectTiling(due + missed)
            let skipped = missed.reduce(0) { $0 + $1.upperBound.microseconds(since: $1.lowerBound) } / second
            #expect(seconds > 0 ? abs(skipped - seconds) <= 1 : skipped == 0)
            // After a jump back the series goes on at half its rate until the wall clock has caught up.
            let whole = seconds < 0 ? max(100, 200 + seconds) : 200
            #expect(abs(Int64(due.count) - whole) <= 2)
        }
    }

    @Test("After a jump forward the starts are spread as before")
    func noBunchAfterJump() {
        var clocks = TestClocks()
        var schedule = PollSchedule(rhythms(1000), at: clocks.reading)
        _ = schedule.events(at: clocks.reading)
        clocks.wall = clocks.wall.adding(microseconds: 100 * second)
        var most = 0
        for _ in 0..<1000 {
            let due = schedule.events(at: clocks.reading).count { event in
                if case .due = event { true } else { false }
            }
            most = max(most, due)
            clocks.advance(1000)
        }
        #expect(most <= 3)
    }

    @Test("A jump is told once, with its size; small steps are followed without a word")
    func jumpIsTold() {
        var clocks = TestClocks()
        var schedule = PollSchedule(rhythms(3), at: clocks.reading)
        clocks.wall = clocks.wall.adding(microseconds: -40 * second)
        #expect(schedule.follow(clocks.reading) == -40 * second)
        #expect(schedule.follow(clocks.reading) == 0)
        clocks.wall = clocks.wall.adding(microseconds: 100_000)
        #expect(schedule.follow(clocks.reading) == 0)
    }

    @Test("A series known before starts after what is accounted for, even where that lies ahead of the clock")
    func accounted() {
        let clocks = TestClocks()
        let past = start.adding(microseconds: -100 * second)
        let ahead = start.adding(microseconds: 100 * second)
        let schedule = PollSchedule(
            [past, ahead].map { PollSchedule.Rhythm(interval: second, phase: 500_000, accountedUntil: $0) },
            at: clocks.reading)
        #expect(schedule.nextSlot(of: 0) == start.adding(microseconds: 500_000))
        #expect(schedule.nextSlot(of: 1) == ahead.adding(microseconds: 500_000))
        // It does not wait for the clock: it goes on from there at half the rate.
        #expect(schedule.nextDue == clocks.monotonic + 500_000)
    }

    @Test("The heap gives the earliest first, whatever order they came in")
    func heap() {
        var heap = DueHeap<Int64>()
        for number in 0..<1000 as Range<Int64> { heap.push(number * 7919 % 1000, due: number * 7919 % 1000) }
        var order: [Int64] = []
        while let element = heap.pop(dueBy: 499) { order.append(element) }
        #expect(order == Array(0..<500))
        #expect(heap.count == 500 && heap.earliest == 500)
    }
}
