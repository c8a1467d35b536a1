import MarketData
import Testing

@testable import EventLog

/// When the time of day may remove things.
struct BelievableTimeTests {
    private let wall = StandingWallClock()
    private let steady = StandingLeaseClock()

    private func time() -> BelievableTime { BelievableTime(clock: wall, steadyClock: steady) }

    /// Asks each minute.
    private func minutes(_ count: Int, _ time: inout BelievableTime) -> [Instant?] {
        (0..<count).map { _ in
            wall.jump(seconds: 60)
            steady.pass(seconds: 60)
            return time.now()
        }
    }

    @Test
    func `a clock is believed once it has kept step for an hour`() {
        var time = time()
        #expect(time.now() == nil)
        #expect(minutes(59, &time).allSatisfy { $0 == nil })
        #expect(minutes(2, &time).allSatisfy { $0 != nil })
        #expect(time.now() == wall.now())
    }

    @Test(arguments: [86_400 * 30, -86_400 * 30, 11, -11])
    func `a jump is not believed until it has lasted an hour`(seconds: Int64) {
        var time = time()
        _ = minutes(61, &time)
        wall.jump(seconds: seconds)
        #expect(minutes(60, &time).allSatisfy { $0 == nil })
        #expect(minutes(1, &time) == [wall.now()])
    }

    @Test
    func `a jump that is set right again is a jump twice`() {
        var time = time()
        _ = minutes(61, &time)
        wall.jump(seconds: 86_400 * 30)
        _ = minutes(59, &time)
        wall.jump(seconds: -86_400 * 30)
        #expect(minutes(60, &time).allSatisfy { $0 == nil })
    }

    @Test
    func `a clock that is slewed, and a machine that slept, are believed`() {
        var time = time()
        _ = minutes(61, &time)
        wall.jump(seconds: 3)
        #expect(minutes(1, &time) == [wall.now()])
        wall.jump(seconds: 86_400)
        steady.pass(seconds: 86_400)
        #expect(time.now() == wall.now())
    }

    @Test
    func `a boot begins anew`() {
        var time = time()
        _ = minutes(61, &time)
        steady.reboot()
        #expect(minutes(60, &time).allSatisfy { $0 == nil })
    }
}
