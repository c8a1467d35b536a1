import Foundation
import MarketData
import Runtime

/// Both clocks, read at one moment: slots lie on the wall clock's grid, and the monotonic clock drives them.
struct ClockReading: Hashable, Sendable {
    /// CLOCK_MONOTONIC in microseconds; its origin means nothing.
    let monotonic: Int64
    let wall: Instant

    /// Reads again while the thread was interrupted between the clocks, which would look like a jump.
    static func now(_ clock: any WallClock) -> ClockReading {
        var before = monotonicMicroseconds()
        var wall = clock.now()
        for _ in 0..<4 where monotonicMicroseconds() - before > 1000 {
            before = monotonicMicroseconds()
            wall = clock.now()
        }
        return ClockReading(monotonic: before, wall: wall)
    }
}

func monotonicMicroseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
}

extension Duration {
    var microseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
