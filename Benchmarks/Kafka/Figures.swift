import Foundation

/// What a process that drained the topic, or a part of it, says of itself.
struct Figures: Codable {
    var messages: Int
    var files: Int
    var fileBytes: Int
    /// Microseconds since 1970: when its first message came, and when all was done.
    var began: Int64
    var ended: Int64
    /// User and system time of all of its threads.
    var processorSeconds: Double
    /// The most that was resident at once, by the kernel's account.
    var peakBytes: Int

    var seconds: Double { Double(ended - began) / 1e6 }
    var messagesPerSecond: Double { Double(messages) / seconds }
    var messagesPerProcessorSecond: Double { Double(messages) / processorSeconds }

    /// Takes what the kernel accounts to this process so far.
    mutating func takeUsage() {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        processorSeconds = Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let peak = status.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap { Int($0.1) }
        peakBytes = (peak ?? 0) << 10
    }

    static func now() -> Int64 { Int64(Date().timeIntervalSince1970 * 1e6) }
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

func quantile(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
}

func rounded(_ value: Double, _ digits: Int = 2) -> String { String(format: "%.\(digits)f", value) }
