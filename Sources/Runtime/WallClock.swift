import Foundation
import MarketData

/// Where the time of day comes from. Durations are never taken from it: it may jump.
public protocol WallClock: Sendable {
    func now() -> Instant
}

/// CLOCK_REALTIME, plus a fixed skew that the local exchange and tests use.
public struct SystemWallClock: WallClock {
    public let skewInMicroseconds: Int64

    public init(skewInMicroseconds: Int64 = 0) { self.skewInMicroseconds = skewInMicroseconds }

    public func now() -> Instant {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Instant(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000 + skewInMicroseconds)
    }
}
