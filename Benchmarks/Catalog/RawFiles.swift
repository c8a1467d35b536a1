import Foundation
import JSON
import Lake
import MarketData

/// A raw file that was written, and what DuckLake and the ledger note of it.
struct WrittenFile {
    let key: String
    let size: Int
    /// The length of the Parquet file's metadata at its end.
    let footer: Int
    let sha256: String
    let partition: Int32
    let start: Int64
    let content: Announcement.DayContent
}

/// Raw files as the flusher writes them, one a partition every few seconds, with ten quotes each.
struct RawFiles {
    static let rows = 10
    static let partitions = 4
    static let symbols = 100
    static let first = Day(daysSinceEpoch: 20_454)

    let root: String
    let perDay: Int

    /// How many offsets a partition has a day.
    var offsetsPerDay: Int64 { Int64(perDay / Self.partitions * Self.rows) }

    /// Writes a day's files, not synchronized, since nothing here has to outlive a power cut.
    func write(_ number: Int) throws -> [WrittenFile] {
        let day = Self.first.adding(days: number)
        let folder = "\(root)/raw/quotes/dt=\(day)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        return try (0..<perDay).map { try write(day, number, $0) }
    }

    private func write(_ day: Day, _ number: Int, _ index: Int) throws -> WrittenFile {
        let partition = Int32(index % Self.partitions)
        let start = Int64(number) * offsetsPerDay + Int64(index / Self.partitions * Self.rows)
        let time = day.startInUTC.adding(microseconds: Int64(index) * (86_400_000_000 / Int64(perDay + 1)))
        var encoder = RawFileEncoder(dataset: Datasets.quotes, version: Datasets.quotes.version, partition: partition)
        var writer = JSONWriter(reserving: 512)
        for row in 0..<Self.rows {
            let slot = time.adding(microseconds: Int64(row) * 1000)
            writer.reset()
            // A symbol's quotes are all in one partition.
            let symbol = (Int(partition) + Self.partitions * (index / Self.partitions * Self.rows + row)) % Self.symbols
            try Observation(
                Datasets.quotes,
                [
                    "feed": .text("coinbase-spot"), "symbol": .text("COIN\(symbol)-USD"), "price_type": .text("spot"),
                    "price": .decimal(try Decimal(parsing: "\(1000 + row).25")), "currency": .text("USD"),
                    "scheduled_at": .instant(slot), "poll_interval": .integer(1_000_000),
                    "observed_at": .instant(slot),
                ]
            ).write(to: &writer)
            try writer.bytes.withUnsafeBytes { message in
                guard case .accepted = encoder.append(message, offset: start + Int64(row)) else {
                    throw Missed("a quote was rejected")
                }
            }
        }
        let end = start + Int64(Self.rows)
        let file = try encoder.finish(range: start..<end, topic: Datasets.quotes.topic, epoch: "benchmar")
        let name = RawObjectName(
            dataset: "quotes", day: day, topic: Datasets.quotes.topic, epoch: "benchmar", partition: partition,
            start: start, end: end, sha256: file.sha256)
        try Data(file.bytes).write(to: URL(fileURLWithPath: "\(root)/\(name.key)"))
        // A Parquet file ends with its metadata's length, in four bytes, and "PAR1".
        let footer = file.bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        return WrittenFile(
            key: name.key, size: file.bytes.count, footer: footer, sha256: file.sha256, partition: partition,
            start: start, content: file.days[0])
    }

    func announcement(of file: WrittenFile) -> Announcement {
        Announcement(
            bucket: "lake", key: file.key, size: Int64(file.size), sha256: file.sha256, dataset: "quotes",
            schemaVersion: Datasets.quotes.version, epoch: "benchmar", topic: Datasets.quotes.topic,
            partition: file.partition, start: file.start, end: file.start + Int64(Self.rows), rows: Int64(Self.rows),
            rejected: 0, emptyReason: nil, days: [file.content], announcedAt: file.content.first)
    }
}

/// What should not have happened.
struct Missed: Error {
    let words: String

    init(_ words: String) { self.words = words }
}
