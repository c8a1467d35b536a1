import JSON
import Lake
import MarketData
import Runtime
import Warehouse

/// Removes orphans: raw objects that a crash left between being put and being announced.
///
/// A raw object goes when the ledger does not have it, its range starts below what the ledger has reached for the same
/// partition and epoch (so that it can no longer be announced), and it is older than the grace. Nobody ever reads one.
public struct Sweep: Sendable {
    public struct Report: Sendable {
        public internal(set) var removed: [StoredObject] = []
        /// Not in the ledger, and left alone: younger than the grace, or they may still be announced.
        public internal(set) var kept: [(object: StoredObject, reason: String)] = []
        public internal(set) var examined = 0
    }

    private let raw: any ObjectStore
    private let catalog: Catalog
    private let grace: Duration
    private let clock: any WallClock

    public init(raw: any ObjectStore, catalog: Catalog, grace: Duration = .seconds(86_400), clock: any WallClock) {
        self.raw = raw
        self.catalog = catalog
        self.grace = grace
        self.clock = clock
    }

    /// - Parameter removing: false only reports what would be removed.
    /// - Throws: ``StoreError`` or ``CatalogError``; what was removed until then stays removed.
    public func run(removing: Bool) async throws -> Report {
        var report = Report()
        // Listed before the ledger is read: an object registered meanwhile is then in the ledger.
        let listed = try await listAll()
        report.examined = listed.count
        let ledger = try await Ledger(catalog)
        let oldest = clock.now().microseconds - grace.components.seconds * 1_000_000
        for object in listed {
            guard let name = RawObjectName(key: object.key) else {
                report.kept.append((object, "not a raw object's name"))
                continue
            }
            guard !ledger.keys.contains(object.key) else { continue }
            if !ledger.hasPassed(name) {
                report.kept.append((object, "may still be announced"))
            } else if object.modified > oldest {
                report.kept.append((object, "younger than the grace"))
            } else {
                if removing { try await raw.remove(object.key) }
                report.removed.append(object)
            }
        }
        return report
    }

    private func listAll() async throws(StoreError) -> [StoredObject] {
        var all: [StoredObject] = []
        while true {
            let page = try await raw.list(prefix: "raw/", after: all.last?.key, limit: 1000)
            all += page
            if page.isEmpty { return all }
        }
    }
}

extension Sweep {
    private struct Ledger {
        struct Partition: Hashable {
            let topic: String
            let epoch: String
            let partition: Int32
        }

        let keys: Set<String>
        let reached: [Partition: Int64]

        init(_ catalog: Catalog) async throws(CatalogError) {
            let objects = try await catalog.rows("SELECT key FROM lake.pregao.objects")
            keys = Set(objects.compactMap { $0["key"]?.string })
            var reached: [Partition: Int64] = [:]
            for row in try await catalog.rows("SELECT topic, epoch, partition, end_offset FROM lake.pregao.ranges") {
                guard let topic = row["topic"]?.string, let epoch = row["epoch"]?.string,
                    let partition = row["partition"]?.int64.flatMap(Int32.init(exactly:)),
                    let end = row["end_offset"]?.int64
                else { continue }
                reached[Partition(topic: topic, epoch: epoch, partition: partition)] = end
            }
            self.reached = reached
        }

        /// Whether the ledger's ranges have passed the object's start.
        func hasPassed(_ name: RawObjectName) -> Bool {
            let partition = Partition(topic: name.topic, epoch: name.epoch, partition: name.partition)
            return reached[partition].map { name.start < $0 } ?? false
        }
    }
}
