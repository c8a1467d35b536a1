import Lake
import MarketData
import Testing

/// A small dataset that has grown: `note` came with version 2.
let pricesDataset = Dataset(
    name: "prices", description: "For tests.", keyColumn: "symbol",
    tradingDay: TradingDayRule(column: "observed_at"),
    columns: [
        Column("symbol", .text, "The symbol."),
        Column("price", .decimal, "The price."),
        Column("observed_at", .instant, "When."),
        Column("trading_day", .day, "The UTC day of observed_at."),
        Column("note", .text, nullable: true, since: 2, "A later thought."),
    ])

/// A raw object and what a flusher announces of it.
struct PreparedObject: Sendable {
    let announcement: Announcement
    let bytes: [UInt8]

    var key: String { announcement.key }
    /// As on `pregao.objects`.
    var message: [UInt8] { announcement.json() }

    /// An object with a row for each offset of the range, or with none.
    ///
    /// - Parameter tag: tells objects of the same range apart.
    init(
        _ range: Range<Int64>, partition: Int32 = 0, epoch: String = "logepoch", version: Int = 1,
        isEmpty: Bool = false,
        day: String = "2026-11-21", tag: String = "S"
    ) throws {
        var encoder = RawFileEncoder(dataset: pricesDataset, version: version, partition: partition)
        for offset in isEmpty ? 0..<0 : range {
            let text = """
                {"version":\(version),"symbol":"\(tag)","price":"\(offset).5",\
                "observed_at":"\(day)T11:15:00.000000Z","trading_day":"\(day)"}
                """
            let verdict = Array(text.utf8).withUnsafeBytes { encoder.append($0, offset: offset) }
            try #require(verdict == .accepted)
        }
        let file = try encoder.finish(range: range, topic: pricesDataset.topic, epoch: epoch)
        let name = RawObjectName(
            dataset: pricesDataset.name, day: try #require(Day(day)), topic: pricesDataset.topic, epoch: epoch,
            partition: partition, start: range.lowerBound, end: range.upperBound, sha256: file.sha256)
        bytes = file.bytes
        announcement = Announcement(
            bucket: "lake", key: name.key, size: Int64(file.bytes.count), sha256: file.sha256,
            dataset: pricesDataset.name, schemaVersion: version, epoch: epoch, topic: pricesDataset.topic,
            partition: partition, start: range.lowerBound, end: range.upperBound, rows: file.rows,
            rejected: isEmpty ? Int64(range.count) : 0, emptyReason: isEmpty ? "all-rejected" : nil, days: file.days,
            announcedAt: Instant(microseconds: 1_795_262_400_000_000))
    }
}

extension Announcement {
    /// The same announcement with other words in it.
    func with(
        key: String? = nil, dataset: String? = nil, version: Int? = nil, start: Int64? = nil, end: Int64? = nil,
        announcedAt: Instant? = nil
    ) -> Announcement {
        Announcement(
            bucket: bucket, key: key ?? self.key, size: size, sha256: sha256, dataset: dataset ?? self.dataset,
            schemaVersion: version ?? schemaVersion, epoch: epoch, topic: topic, partition: partition,
            start: start ?? self.start, end: end ?? self.end, rows: rows, rejected: rejected, emptyReason: emptyReason,
            days: days, announcedAt: announcedAt ?? self.announcedAt)
    }

    /// The same announcement, its key made to fit its other words.
    func renamed() throws -> Announcement {
        let name = try #require(RawObjectName(key: key))
        let renamed = RawObjectName(
            dataset: dataset, day: name.day, topic: topic, epoch: epoch, partition: partition, start: start, end: end,
            sha256: sha256)
        return with(key: renamed.key)
    }
}
