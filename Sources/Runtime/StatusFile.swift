import Foundation
import MarketData

/// What a running process says of itself, for `pregao status` and the console: one small file a process, replaced
/// whole, in a folder that all processes of one machine share.
public struct ProcessStatus: Codable, Hashable, Sendable {
    public struct Figure: Codable, Hashable, Sendable {
        public let name: String
        public let labels: [String: String]
        public let value: Double
    }

    /// Such as `run-4242`.
    public let name: String
    public let pid: Int32
    public let stages: [String]
    public let startedAt: String
    public let updatedAt: String
    /// Counters and gauges; of a histogram its count.
    public let figures: [Figure]

    public init(
        name: String, pid: Int32, stages: [String], startedAt: Instant, updatedAt: Instant, figures: [Figure]
    ) {
        self.name = name
        self.pid = pid
        self.stages = stages
        self.startedAt = "\(startedAt)"
        self.updatedAt = "\(updatedAt)"
        self.figures = figures
    }

    /// The sum of a figure over its labels.
    public func total(_ name: String) -> Double { figures.filter { $0.name == name }.reduce(0) { $0 + $1.value } }

    /// Whether the process still is: a file outlives a process that was killed.
    public var isAlive: Bool { kill(pid, 0) == 0 || errno == EPERM }
}

/// Writes and reads the status files of a folder.
public struct StatusFolder: Sendable {
    private let folder: String

    public init(_ folder: String) { self.folder = folder }

    /// - Throws: Foundation's error where the folder cannot be written; nobody depends on the file, so that a caller may
    ///   log it and go on.
    public func write(_ status: ProcessStatus) throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        try encoder.encode(status).write(to: url(of: status.name), options: .atomic)
    }

    public func remove(_ name: String) { try? FileManager.default.removeItem(at: url(of: name)) }

    /// Every process that has written, by name; a file that cannot be read is left out, since it may be from another
    /// version of the program.
    public func all() -> [ProcessStatus] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return names.filter { $0.hasSuffix(".json") }.sorted().compactMap { name in
            guard let data = FileManager.default.contents(atPath: "\(folder)/\(name)") else { return nil }
            return try? JSONDecoder().decode(ProcessStatus.self, from: data)
        }
    }

    private func url(of name: String) -> URL { URL(fileURLWithPath: "\(folder)/\(name).json") }
}

extension Metrics {
    /// The figures as a status file has them.
    public func statusFigures() -> [ProcessStatus.Figure] {
        snapshot().map { series, figure in
            let value: Double =
                switch figure {
                case .counter(let value), .gauge(let value): value
                case .histogram(let histogram): Double(histogram.counts.reduce(0, +))
                }
            return ProcessStatus.Figure(name: series.name, labels: series.labels, value: value)
        }
    }
}
