import Foundation

/// What leases are timed by.
public protocol LeaseClock: Sendable {
    func now() -> LeaseTime
}

/// A moment since a boot. Times of two boots cannot be compared: a lease of an earlier boot has run out.
public struct LeaseTime: Hashable, Sendable {
    public let boot: String
    public let microseconds: Int64

    public init(boot: String, microseconds: Int64) {
        self.boot = boot
        self.microseconds = microseconds
    }
}

/// CLOCK_BOOTTIME, which all processes of a machine share, nobody can set, and which goes on while the machine sleeps.
public struct BootLeaseClock: LeaseClock {
    private let boot: String

    public init() {
        let text = try? String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8)
        boot = text?.trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
    }

    public func now() -> LeaseTime {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return LeaseTime(boot: boot, microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }
}

extension Duration {
    var inMicroseconds: Int64 { components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000 }
}
