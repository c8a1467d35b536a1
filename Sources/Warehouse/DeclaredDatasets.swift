import MarketData
import Synchronization

/// The datasets that the catalog was opened with, by name.
final class DeclaredDatasets: Sendable {
    private let datasets = Mutex<[String: Dataset]>([:])

    var all: [String: Dataset] { datasets.withLock { $0 } }

    func replace(by declared: [Dataset]) {
        datasets.withLock { $0 = Dictionary(declared.map { ($0.name, $0) }) { _, last in last } }
    }
}
