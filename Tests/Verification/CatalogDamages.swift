import EventLog
import Lake
import MarketData
import Warehouse

@testable import Verification

/// What can happen to the catalog.
let catalogDamages: [Damage] = [
    Damage("a ledger row's rows edited", .messages) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "rows = rows - 1")
        return object.announcement.key
    },
    Damage("a ledger row's rejected edited to fit", .messages) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "rows = rows - 1, rejected = rejected + 1")
        return object.announcement.key
    },
    Damage("a ledger row's start edited", .ranges) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "start_offset = start_offset + 1")
        return "\(pipeline.partition(object)) [0, 1)"
    },
    Damage("a ledger row's end edited", .ranges) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "end_offset = end_offset + 1")
        let end = object.announcement.end
        return "\(pipeline.partition(object)) [\(end), \(end + 1))"
    },
    Damage("a ledger row's sha256 edited", .backup) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "sha256 = left(sha256, 16) || repeat('0', 48)")
        return object.announcement.key + ".json"
    },
    Damage("a ledger row's status edited", .rawTables) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "status = 'empty'")
        return "raw.quotes"
    },
    Damage("a ledger row's location edited", .objects) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "location = location || '.other'")
        return object.announcement.key
    },
    Damage("a ledger row deleted", .ranges) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit("DELETE FROM lake.pregao.objects WHERE key = '\(object.announcement.key)';")
        return pipeline.place(object)
    },
    Damage("a ledger row there twice", .ranges) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(
            """
            INSERT INTO lake.pregao.objects SELECT * FROM lake.pregao.objects
            WHERE key = '\(object.announcement.key)';
            """)
        return object.announcement.key
    },
    Damage("how far the ledger reaches edited", .ranges) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(
            "UPDATE lake.pregao.ranges SET end_offset = end_offset + 1 WHERE topic = 'pregao.quotes' AND partition = 0;"
        )
        return pipeline.partition(object)
    },
    Damage("an object's days edited", .backup) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(object, "rows = rows + 1", table: "object_days")
        return object.announcement.key + ".json"
    },
    Damage("a file added to a raw table twice", .rawTables) { pipeline in
        let object = try await pipeline.firstQuotes()
        try await pipeline.edit(
            """
            CALL ducklake_add_data_files('lake', 'quotes', '\(object.location)', schema => 'raw',
                allow_missing => true, hive_partitioning => false);
            """)
        return "raw.quotes"
    },
    Damage("a raw table's rows deleted", .rawTables) { pipeline in
        try await pipeline.edit("DELETE FROM lake.raw.quotes WHERE _offset = 0;")
        return "raw.quotes"
    },
    Damage("a raw table's row changed", .rawTables) { pipeline in
        try await pipeline.edit("UPDATE lake.raw.quotes SET price = price + 1 WHERE _offset = 0;")
        return "raw.quotes"
    },
    Damage("a refined table's row changed", .refined) { pipeline in
        let day = try await pipeline.published("refined.quotes_daily").day
        try await pipeline.edit(
            "UPDATE lake.refined.quotes_daily SET close = close + 1 WHERE trading_day = DATE '\(day)';")
        return "refined.quotes_daily \(day)"
    },
    Damage("a refined day published with other rows", .refined, .deep) { pipeline in
        let day = try await pipeline.published("refined.quotes_daily")
        try await pipeline.publishForged(day)
        return "refined.quotes_daily \(day.day)"
    },
    Damage("an input of a refined day removed", .refined) { pipeline in
        let day = try await pipeline.published("refined.quotes_1m").day
        let key = try await pipeline.catalog.publicationInputs(model: "refined.quotes_1m", day: day)[0].name
        try await pipeline.edit(
            "DELETE FROM lake.pregao.publication_inputs WHERE input = '\(key)' AND trading_day = DATE '\(day)';")
        return "refined.quotes_1m \(day)"
    },
    Damage("an input of a refined day edited", .refined) { pipeline in
        let day = try await pipeline.published("refined.quotes_daily").day
        try await pipeline.edit(
            """
            UPDATE lake.pregao.publication_inputs SET sha256 = repeat('0', 64)
            WHERE model = 'refined.quotes_daily' AND trading_day = DATE '\(day)';
            """)
        return "refined.quotes_daily \(day)"
    },
    Damage("a publication deleted", .refined) { pipeline in
        let day = try await pipeline.published("refined.quotes_daily").day
        try await pipeline.edit(
            "DELETE FROM lake.pregao.publications WHERE model = 'refined.quotes_daily' AND trading_day = DATE '\(day)';"
        )
        return "refined.quotes_daily \(day)"
    },
]

extension SmallPipeline {
    func partition(_ object: LedgerObject) -> String {
        let it = object.announcement
        return "\(it.topic)~\(it.epoch)/\(it.partition)"
    }

    /// Publishes a version of the day with other prices, as a program that computes wrongly would.
    fileprivate func publishForged(_ day: PublishedDay) async throws {
        let path = (day.path ?? "") + ".forged.parquet"
        _ = try await engine.run(
            """
            COPY (SELECT * REPLACE (close + 1 AS close) FROM read_parquet('\(day.path ?? "")',
                hive_partitioning = false)) TO '\(path)' (FORMAT parquet);
            """)
        let inputs = try await catalog.publicationInputs(model: day.model, day: day.day)
        let bytes = try Files.bytes(path)
        let file = Publication.File(
            location: path, size: Int64(bytes.count), sha256: SHA256.hexadecimal(of: bytes), rows: day.rows)
        let outcomes = try await catalog.publish([
            Publication(
                model: day.model, day: day.day, basedOn: day.version, sequence: day.sequence, file: file,
                inputs: inputs)
        ])
        guard case .published = outcomes.first else { throw Unexpected("\(outcomes)") }
    }
}
