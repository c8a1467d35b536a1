import MarketData
import Runtime

/// The time of day as far as it may be believed by what removes things by their age.
///
/// A wall clock may be set, or wrong since the start, and what is removed under a wrong one never comes back. So it is
/// believed only once it has kept step for a while with a clock that nobody can set; it is asked again and again, and
/// every jump, and a start, begins the while anew.
public struct BelievableTime {
    /// For how long a clock has to keep step.
    public static let trial = Duration.seconds(3600)
    /// How far the clocks may drift apart from one question to the next; a clock that is slewed does by far less.
    static let tolerance = Duration.seconds(10)

    private struct Reading {
        let wall: Instant
        let steady: LeaseTime
    }

    private let clock: any WallClock
    private let steadyClock: any LeaseClock
    private var last: Reading?
    private var inStepSince: LeaseTime?

    public init(clock: any WallClock, steadyClock: any LeaseClock = BootLeaseClock()) {
        self.clock = clock
        self.steadyClock = steadyClock
    }

    /// The wall clock's time, or nil while it is not to be believed.
    public mutating func now() -> Instant? {
        let reading = Reading(wall: clock.now(), steady: steadyClock.now())
        defer { last = reading }
        guard let last, let since = inStepSince, last.steady.boot == reading.steady.boot else {
            inStepSince = reading.steady
            return nil
        }
        let passed = reading.steady.microseconds - last.steady.microseconds
        guard abs(reading.wall.microseconds(since: last.wall) - passed) <= Self.tolerance.inMicroseconds else {
            inStepSince = reading.steady
            return nil
        }
        return reading.steady.microseconds - since.microseconds >= Self.trial.inMicroseconds ? reading.wall : nil
    }
}
