import Foundation
import Runtime

/// What the kernel tells of this process, under the names that every Prometheus client uses.
public struct ProcessFigures: Sendable {
    private let version: String
    /// In seconds since 1970.
    private let startedAt: Double

    public init(version: String) {
        self.version = version
        startedAt = Self.startTime() ?? Date().timeIntervalSince1970
    }

    public func read() -> [(series: Metrics.Series, figure: Metrics.Figure)] {
        var figures: [(series: Metrics.Series, figure: Metrics.Figure)] = [
            (Metrics.Series(name: "process_start_time_seconds"), .gauge(startedAt)),
            (Metrics.Series(name: "pregao_build_info", labels: ["version": version]), .gauge(1)),
        ]
        var usage = rusage()
        if getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 {
            let seconds = [usage.ru_utime, usage.ru_stime].reduce(0.0) {
                $0 + Double($1.tv_sec) + Double($1.tv_usec) / 1e6
            }
            figures.append((Metrics.Series(name: "process_cpu_seconds_total"), .counter(seconds)))
        }
        if let pages = Self.words(of: "/proc/self/statm").dropFirst().first.flatMap({ Double($0) }) {
            let bytes = pages * Double(sysconf(Int32(_SC_PAGESIZE)))
            figures.append((Metrics.Series(name: "process_resident_memory_bytes"), .gauge(bytes)))
        }
        if let open = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") {
            figures.append((Metrics.Series(name: "process_open_fds"), .gauge(Double(open.count))))
        }
        return figures
    }

    /// proc(5): field 22 of stat is the start in clock ticks since boot, and the command's name may hold blanks.
    private static func startTime() -> Double? {
        let stat = text(of: "/proc/self/stat")
        guard let afterName = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: afterName)...].split(separator: " ")
        guard fields.count > 19, let ticks = Double(fields[19]) else { return nil }
        let boot = text(of: "/proc/stat").split(separator: "\n").first { $0.hasPrefix("btime ") }
        guard let boot = boot.flatMap({ Double($0.dropFirst("btime ".count)) }) else { return nil }
        return boot + ticks / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    private static func words(of path: String) -> [Substring] { text(of: path).split(separator: " ") }

    private static func text(of path: String) -> String {
        // Files of /proc have no size, so that they are read to their end.
        guard let file = FileHandle(forReadingAtPath: path), let data = try? file.readToEnd() else { return "" }
        return String(decoding: data, as: UTF8.self)
    }
}
