import Archiver
import Console
import Feeds
import Flusher
import Foundation
import KafkaLog
import MarketData
import Operations
import Poller

extension ConfigurationReader {
    /// What only shows when the settings are held against each other, or against what is there.
    mutating func checkTogether() {
        for fault in configuration.poller.faults() { report(setting(ofPoller: fault.path), fault.problem) }
        for fault in configuration.flusher.faults(datasets: Datasets.all) {
            report(setting(ofFlusher: fault.setting), fault.reason)
        }
        for fault in configuration.archiver.faults { report("archiver", fault) }
        checkLog()
        checkPlaces()
        checkStores()
    }

    private mutating func checkLog() {
        // Which log it is to be is not known.
        guard !refused.contains("log.kind") else { return }
        guard configuration.log.kind == .kafka else {
            if configuration.kafka.epoch != nil { report("log.epoch", "goes with log.kind kafka alone") }
            return
        }
        if configuration.kafka.brokers.isEmpty { report("kafka.brokers", "is not given, and log.kind is kafka") }
        for fault in configuration.kafka.faults { report(fault.setting, fault.problem) }
    }

    private mutating func checkPlaces() {
        if let character = configuration.data.first(where: { "*?[".contains($0) }) {
            report("data", "may not hold '\(character)', which DuckDB would take for a pattern of files")
        }
        if let models = configuration.batch.models {
            var isFolder: ObjCBool = false
            let isThere = FileManager.default.fileExists(atPath: models, isDirectory: &isFolder)
            if !isThere || !isFolder.boolValue { report("batch.models", "there is no folder \(models)") }
        }
        if let duckdb = configuration.catalog.duckdb, !FileManager.default.isExecutableFile(atPath: duckdb) {
            report("catalog.duckdb", "there is no program \(duckdb)")
        }
        if !Self.isNumericAddress(configuration.console.address) {
            report("console.address", "\(configuration.console.address) is not a numeric IPv4 or IPv6 address")
        }
        if !Self.isNumericAddress(configuration.operations.address) {
            report("operations.address", "\(configuration.operations.address) is not a numeric IPv4 or IPv6 address")
        }
    }

    private static func isNumericAddress(_ text: String) -> Bool {
        var space = in6_addr()
        return inet_pton(AF_INET, text, &space) == 1 || inet_pton(AF_INET6, text, &space) == 1
    }

    /// - Parameter setting: its path, or one that begins with it, such as `feeds.coinbase-spot.symbols[2]`.
    mutating func report(_ setting: String, _ problem: String) {
        let known = places.keys.filter { setting.hasPrefix($0) }.max { $0.count < $1.count }
        guard !refused.contains(where: { setting.hasPrefix($0) }) else { return }
        let fault = ConfigurationFault(known.flatMap { places[$0] } ?? .settings, "\(setting): \(problem)")
        // Feeds of one source share its settings.
        if !faults.contains(fault) { faults.append(fault) }
    }

    /// What a poller's property is set by.
    private func setting(ofPoller path: String) -> String {
        var parts = path.split(separator: ".", maxSplits: 1).map { $0.replacing("_", with: "-") }
        switch parts[0] {
        case "base-urls":
            let feed = String(parts[1])
            return "sources.\(KnownFeeds.source(of: feed) ?? feed).base-url"
        case "sources": return path.replacing("_", with: "-")
        case let feed where feed.hasPrefix("feeds["):
            if let index = Int(feed.dropFirst("feeds[".count).dropLast()), configuration.poller.feeds.indices ~= index {
                parts[0] = "feeds.\(configuration.poller.feeds[index].name)"
            }
            return parts.joined(separator: ".")
        default: return "poller.\(path.replacing("_", with: "-"))"
        }
    }

    /// What a flusher's property is set by.
    private func setting(ofFlusher property: String) -> String {
        if property == "memoryLimit" { return "flusher.memory" }
        return "flusher.\(property.replacing(/^trigger\./, with: "").replacing(/^triggers\./, with: "datasets."))"
    }
}
