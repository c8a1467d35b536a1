import Lake
import MarketData
import Warehouse

/// The SQL that makes one file of many raw objects, and that holds the two against each other.
public struct CompactionScript: Sendable {
    private let dataset: Dataset
    private let locations: [String]
    private let columns: [SourceColumn]

    public init(dataset: Dataset, locations: [String]) {
        self.dataset = dataset
        self.locations = locations
        columns =
            dataset.columns.map { SourceColumn(name: $0.name, type: $0.type.sqlName) }
            + [SourceColumn(name: "_partition", type: "INTEGER"), SourceColumn(name: "_offset", type: "BIGINT")]
    }

    private var names: String { SQLText.list(columns.map { SQL.identifier($0.name) }) }

    /// Every column, so that the rows' order is one and the same whenever they are written.
    private var order: String {
        let times = ["observed_at"].filter { time in columns.contains { $0.name == time } }
        let first = [dataset.keyColumn] + times
        let rest = columns.map(\.name).filter { !first.contains($0) }
        return SQLText.list((first + rest).map { SQL.identifier($0) })
    }

    func write(to path: String) -> String {
        """
        COPY (SELECT \(names) FROM (
        \(SQLText.relation(files: locations, columns: columns))
        ) ORDER BY \(order)) TO \(SQL.literal(path)) (FORMAT parquet, COMPRESSION zstd);
        """
    }

    /// Two rows that are equal where the file holds the objects' rows: their number, and a sum over all that is in them.
    func comparison(with path: String) -> String {
        [locations, [path]].map { files in
            """
            SELECT count(*) AS rows, coalesce(sum(hash(\(names))), 0)::VARCHAR AS digest FROM (
            \(SQLText.relation(files: files, columns: columns))
            );
            """
        }.joined(separator: "\n")
    }

    /// How many rows the objects have that the file lacks, and the other way round: `lost` and `added`.
    public func differences(from path: String) -> String {
        let objects = SQLText.relation(files: locations, columns: columns)
        let file = SQLText.relation(files: [path], columns: columns)
        return """
            SELECT (SELECT count(*) FROM (\(objects) EXCEPT ALL \(file))) AS lost,
                (SELECT count(*) FROM (\(file) EXCEPT ALL \(objects))) AS added
            """
    }
}

/// The name of a compacted file: `compacted/<dataset>/dt=<day>/<digest of its objects' names>-<digest>.parquet`, the
/// first 16 digits of either sha256.
///
/// What is computed again after a crash has the same name and the same bytes.
public struct CompactedFileName: Hashable, Sendable {
    public let key: String

    init(dataset: String, day: Day, inputs: [Announcement], sha256: String) {
        let names = inputs.map(\.key).sorted().joined(separator: "\n")
        let digest = SHA256.hexadecimal(of: Array(names.utf8)).prefix(16)
        key = "\(Self.folder)\(dataset)/dt=\(day)/\(digest)-\(sha256.prefix(16)).parquet"
    }

    /// - Returns: nil where the key is no such file's.
    public init?(key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, key.hasPrefix(Self.folder), parts[2].hasPrefix("dt="),
            Day(String(parts[2].dropFirst(3))) != nil, parts[3].hasSuffix(".parquet"),
            parts[3].dropLast(8).split(separator: "-").map(\.count) == [16, 16]
        else { return nil }
        self.key = key
    }

    static let folder = "compacted/"
}

/// Which objects are made one file: those of a day in the order of partition and range, as many as the settings allow,
/// so that files are few and a symbol, which is in one partition, is in one file or two.
struct CompactionBatches {
    private(set) var batches: [[LedgerObject]] = []

    /// - Parameter objects: by partition and range.
    init(of objects: [LedgerObject], _ settings: CompactionSettings) {
        var batch: [LedgerObject] = []
        var sum: Int64 = 0
        for object in objects {
            if !batch.isEmpty, batch.count >= settings.objects || sum + object.announcement.size > settings.size {
                batches.append(batch)
                batch = []
                sum = 0
            }
            batch.append(object)
            sum += object.announcement.size
        }
        batches.append(batch)
        // One alone is left as it is.
        batches.removeAll { $0.count < 2 }
    }
}
