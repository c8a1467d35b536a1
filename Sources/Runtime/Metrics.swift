import Synchronization

/// The figures that a running program shows: counters, gauges and histograms, by name and labels.
///
/// Names follow Prometheus' conventions (`pregao_flusher_rows_total`, `pregao_poller_lateness_seconds`).
public final class Metrics: Sendable {
    public struct Series: Hashable, Comparable, Sendable {
        public let name: String
        public let labels: [String: String]

        public init(name: String, labels: [String: String] = [:]) {
            self.name = name
            self.labels = labels
        }

        public static func < (left: Series, right: Series) -> Bool {
            (left.name, left.labels.sorted { $0.key < $1.key }.description)
                < (right.name, right.labels.sorted { $0.key < $1.key }.description)
        }
    }

    /// Observations counted in buckets; `counts` has one more entry than `bounds`, for what lies above them all.
    public struct Histogram: Sendable {
        public let bounds: [Double]
        public internal(set) var counts: [UInt64]
        public internal(set) var sum: Double = 0

        init(bounds: [Double]) {
            self.bounds = bounds
            counts = Array(repeating: 0, count: bounds.count + 1)
        }

        mutating func observe(_ value: Double) {
            counts[bounds.firstIndex { value <= $0 } ?? bounds.count] += 1
            sum += value
        }
    }

    public enum Figure: Sendable {
        case counter(Double)
        case gauge(Double)
        case histogram(Histogram)
    }

    private let figures = Mutex<[Series: Figure]>([:])

    public init() {}

    public func add(_ amount: Double = 1, to name: String, _ labels: [String: String] = [:]) {
        figures.withLock { figures in
            let series = Series(name: name, labels: labels)
            if case .counter(let before) = figures[series] {
                figures[series] = .counter(before + amount)
            } else {
                figures[series] = .counter(amount)
            }
        }
    }

    public func set(_ name: String, _ labels: [String: String] = [:], to value: Double) {
        figures.withLock { $0[Series(name: name, labels: labels)] = .gauge(value) }
    }

    /// Shows the gauges no more, as of a partition that another process has now.
    public func forget(_ names: [String], _ labels: [String: String]) {
        figures.withLock { figures in
            for name in names { figures[Series(name: name, labels: labels)] = nil }
        }
    }

    /// Seconds, unless the name says another unit.
    public func observe(_ value: Double, in name: String, _ labels: [String: String] = [:]) {
        figures.withLock { figures in
            let series = Series(name: name, labels: labels)
            var histogram = Histogram(bounds: Self.secondsBounds)
            if case .histogram(let before) = figures[series] { histogram = before }
            histogram.observe(value)
            figures[series] = .histogram(histogram)
        }
    }

    public func snapshot() -> [(series: Series, figure: Figure)] {
        figures.withLock { $0 }.sorted { $0.key < $1.key }.map { (series: $0.key, figure: $0.value) }
    }

    private static let secondsBounds = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
}
