import Batch
import Foundation
import Lake
import MarketData
import Warehouse

@testable import Verification

/// What can happen to a compacted day.
let compactionDamages: [Damage] = [
    Damage("a compacted file removed", .rawTables) { pipeline in
        let file = try await pipeline.compact()
        try Files.remove(file.location)
        return file.key
    },
    Damage("a bit of a compacted file flipped", .rawTables, .full) { pipeline in
        let file = try await pipeline.compact()
        try Files.flipByte(file.location)
        return file.key
    },
    Damage("a compacted file of other rows", .rawTables, .full) { pipeline in
        let file = try await pipeline.compact()
        let other = file.location + ".other"
        _ = try await pipeline.engine.run(
            """
            COPY (SELECT * REPLACE (price + 1 AS price) FROM read_parquet('\(file.location)',
                hive_partitioning = false)) TO '\(other)' (FORMAT parquet);
            """)
        let bytes = try Files.bytes(other)
        try Files.remove(file.location)
        try Files.rename(other, to: file.location)
        try await pipeline.edit(
            """
            UPDATE lake.pregao.compactions SET size = \(bytes.count), sha256 = '\(SHA256.hexadecimal(of: bytes))'
            WHERE file = '\(file.key)';
            """)
        // Its metadata's length stands before the last four bytes.
        let footer = bytes.suffix(8).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        try await pipeline.edit(
            """
            UPDATE __ducklake_metadata_lake.ducklake_data_file
            SET file_size_bytes = \(bytes.count), footer_size = \(footer) WHERE path = '\(file.location)';
            """)
        return file.key
    },
    Damage("a compacted object read by itself as well", .rawTables) { pipeline in
        let file = try await pipeline.compact()
        let location = pipeline.raw.location(of: file.inputs[0])
        try await pipeline.edit(
            "CALL ducklake_add_data_files('lake', 'quotes', '\(location)', schema => 'raw', hive_partitioning => false);"
        )
        return "raw.quotes"
    },
    Damage("a compacted file that was never swapped", .orphans) { pipeline in
        let file = try await pipeline.compact()
        return try Files.copy(file.key, as: "0123456789abcdef", below: pipeline.raw.location(of: ""))
    },
    Damage("an object of a compacted file forgotten", .rawTables) { pipeline in
        let file = try await pipeline.compact()
        try await pipeline.edit("DELETE FROM lake.pregao.compaction_inputs WHERE key = '\(file.inputs[0])';")
        return file.key
    },
    Damage("a compacted file forgotten", .ranges) { pipeline in
        let file = try await pipeline.compact()
        try await pipeline.edit("DELETE FROM lake.pregao.compactions WHERE file = '\(file.key)';")
        return file.key
    },
]

extension SmallPipeline {
    /// Compacts the quotes.
    func compact() async throws -> CompactedFile {
        let compactor = Compactor(catalog: catalog, engine: engine, store: raw, folder: folder)
        for day in try await compactor.due() where day.dataset == "quotes" { _ = await compactor.compact(day) }
        guard let file = try await catalog.compactedFiles().first else { throw Unexpected("nothing was compacted") }
        return file
    }
}
