import Foundation

/// Time passed, and processor time used by this process, since it was made.
struct Stopwatch {
    private let start = Self.now(CLOCK_MONOTONIC)
    private let processorStart = Self.now(CLOCK_PROCESS_CPUTIME_ID)

    var seconds: Double { Self.now(CLOCK_MONOTONIC) - start }
    var processorSeconds: Double { Self.now(CLOCK_PROCESS_CPUTIME_ID) - processorStart }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}

struct Speed {
    let perSecond: Double
    let perProcessorSecond: Double

    init(_ count: Int, _ watch: Stopwatch) {
        perSecond = Double(count) / watch.seconds
        perProcessorSecond = Double(count) / watch.processorSeconds
    }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func rounded(_ value: Double) -> String { String(format: "%.2f", value) }
