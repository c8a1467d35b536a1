import MarketData

/// When each series is to be polled: fixed-rate slots on the wall clock's grid, driven by the monotonic clock.
///
/// Slot k of a series is [k × interval + phase, (k + 1) × interval + phase) in microseconds since 1970. Each slot comes
/// exactly once, as ``Event/due(series:slot:lateness:)`` or inside a ``Event/missed(series:from:to:cause:)``, whatever
/// the clocks do:
/// - slots that a forward jump of the wall clock leaps over are missed, and the next ones start on the grid;
/// - after a backward jump no slot comes twice: each series goes on from its last slot at half its rate until the
///   wall clock has caught up, so that prices are still watched, however far back the clock went.
struct PollSchedule: Sendable {
    /// What one series is to be polled by.
    struct Rhythm: Sendable {
        /// Microseconds.
        var interval: Int64
        /// Microseconds from the grid's zero, below the interval.
        var phase: Int64
        /// No slot starts before; nil where the series is new.
        var accountedUntil: Instant?
    }

    enum Cause: Hashable, Sendable { case clockJump, stall }

    enum Event: Hashable, Sendable {
        /// The slot is to be polled now; `lateness` is by how many microseconds that is after its start.
        case due(series: Int, slot: Instant, lateness: Int64)
        case missed(series: Int, from: Instant, to: Instant, cause: Cause)
    }

    /// A difference between the clocks' steps that counts as a jump; a smaller one is followed slot by slot.
    static let smallestJump: Int64 = 250_000

    private struct State {
        let interval: Int64
        /// The next slot's start, by the wall clock.
        var nextSlot: Int64
        /// When the slot before was due, by the monotonic clock.
        var lastDue: Int64
    }

    private var states: [State]
    private var heap = DueHeap<Int>()
    /// Wall minus monotonic.
    private var offset: Int64
    private var skipped: [Event] = []

    init(_ rhythms: [Rhythm], at reading: ClockReading) {
        let offset = reading.wall.microseconds - reading.monotonic
        self.offset = offset
        states = rhythms.map { rhythm in
            let earliest = max(reading.wall, rhythm.accountedUntil ?? reading.wall).microseconds
            let slot = Self.firstSlot(notBefore: earliest, interval: rhythm.interval, phase: rhythm.phase)
            let isAhead = slot - offset > reading.monotonic + 2 * rhythm.interval
            let lastDue = isAhead ? reading.monotonic + rhythm.phase - 2 * rhythm.interval : reading.monotonic
            return State(interval: rhythm.interval, nextSlot: slot, lastDue: lastDue)
        }
        for index in states.indices { heap.push(index, due: due(states[index])) }
    }

    /// The series' next slot.
    func nextSlot(of series: Int) -> Instant { Instant(microseconds: states[series].nextSlot) }

    /// When ``next(at:)`` has something again, by the monotonic clock.
    var nextDue: Int64? { skipped.isEmpty ? heap.earliest : .min }

    /// Follows the wall clock; to be called before ``next(at:)``, once a turn.
    ///
    /// - Returns: by how many microseconds the wall clock jumped; 0 where it did not.
    mutating func follow(_ reading: ClockReading) -> Int64 {
        let measured = reading.wall.microseconds - reading.monotonic
        let step = measured - offset
        offset = measured
        guard abs(step) >= Self.smallestJump else { return 0 }
        heap = DueHeap()
        for index in states.indices {
            if step > 0 { skipPast(reading, index) }
            heap.push(index, due: due(states[index]))
        }
        return step
    }

    /// The next event that is due; nil where there is none at this time.
    mutating func next(at reading: ClockReading) -> Event? {
        if let event = skipped.popLast() { return event }
        guard let index = heap.pop(dueBy: reading.monotonic) else { return nil }
        let wasDue = due(states[index])
        let slot = states[index].nextSlot
        let interval = states[index].interval
        let late = reading.monotonic - wasDue
        guard late < interval else {
            let whole = late / interval * interval
            states[index].nextSlot += whole
            states[index].lastDue = wasDue + whole - 2 * interval
            heap.push(index, due: due(states[index]))
            return .missed(
                series: index, from: Instant(microseconds: slot), to: nextSlot(of: index), cause: .stall)
        }
        states[index].nextSlot += interval
        states[index].lastDue = wasDue
        heap.push(index, due: due(states[index]))
        return .due(series: index, slot: Instant(microseconds: slot), lateness: max(0, late))
    }

    /// A slot's start, but at the latest two intervals after the slot before, which is how a backward jump is caught up.
    private func due(_ state: State) -> Int64 {
        min(state.nextSlot - offset, state.lastDue + 2 * state.interval)
    }

    private mutating func skipPast(_ reading: ClockReading, _ index: Int) {
        let state = states[index]
        let slot = Self.firstSlot(
            notBefore: reading.wall.microseconds, interval: state.interval, phase: state.nextSlot % state.interval)
        guard slot > state.nextSlot else { return }
        let from = nextSlot(of: index)
        states[index].nextSlot = slot
        states[index].lastDue = reading.monotonic
        skipped.append(.missed(series: index, from: from, to: nextSlot(of: index), cause: .clockJump))
    }

    private static func firstSlot(notBefore time: Int64, interval: Int64, phase: Int64) -> Int64 {
        let past = (time - phase) % interval
        return past == 0 ? time : time - past + (past > 0 ? interval : 0)
    }
}

extension PollSchedule {
    /// The phases of series of one source and interval, by their number there: each prefix of them is spread evenly.
    ///
    /// Multiples of the golden ratio, modulo 1, leave gaps of at most three lengths (the three-distance theorem).
    static func phase(ofNumber number: Int, interval: Int64) -> Int64 {
        let fraction = UInt64(truncatingIfNeeded: number) &* 0x9E37_79B9_7F4A_7C15
        return Int64(fraction.multipliedFullWidth(by: UInt64(interval)).high)
    }
}
