import EventLog
import Foundation
import MarketData

/// A number of `pregao status`.
struct Figure: CustomStringConvertible {
    let name: String
    let labels: String

    var description: String { "\(name) \(labels)" }
}

/// A line of `pregao status --json` that has a number.
private struct StatusRow: Decodable {
    let what: String
    let `where`: String
    let value: Int
}

extension Pipeline {
    private func output(after start: Int) throws -> Substring {
        let bytes = try Data(contentsOf: child("run").output).dropFirst(start)
        return String(decoding: bytes, as: UTF8.self)[...]
    }

    func outputSize() throws -> Int { try Data(contentsOf: child("run").output).count }

    /// Waits until the run says one of these, in a line of that component.
    func said(_ words: [String], by component: String = "", after start: Int) async throws {
        try await eventually("\(words) of \(component)") {
            try expectAlive(["run"])
            return try output(after: start).split(separator: "\n").contains { line in
                line.contains("component=\(component)") && words.contains { line.contains($0) }
            }
        }
    }

    /// Waits until `pregao status` shows it above zero.
    func shows(_ figure: Figure) async throws {
        try await eventually("\(figure) in pregao status", every: .milliseconds(200)) {
            // It shows what it can, and ends with an error where it cannot read the catalog.
            try await run(["status", "--json"]).output.split(separator: "\n").contains { line in
                guard let row = try? JSONDecoder().decode(StatusRow.self, from: Data(line.utf8)) else { return false }
                return row.what == figure.name && row.value > 0
                    && (figure.labels.isEmpty || row.where.contains(figure.labels))
            }
        }
    }

    func ends(of topic: String, _ log: any EventLog) async throws -> [TopicPartition: Offset] {
        try await log.watermarks(of: topic).mapValues(\.end)
    }

    /// Waits until every quote that is in the log now was flushed, and then every announcement archived.
    func hasPassed(_ log: any EventLog, whileAlive name: String) async throws {
        for (group, topic) in [("pregao.flusher", Datasets.quotes.topic), ("pregao.archiver", "pregao.objects")] {
            let ends = try await ends(of: topic, log)
            try await eventually("\(group) has passed \(ends)") {
                try expectAlive([name])
                let positions = try await log.committed(group: group)
                return ends.allSatisfy { $0.value <= positions[$0.key] ?? 0 }
            }
        }
    }
}
