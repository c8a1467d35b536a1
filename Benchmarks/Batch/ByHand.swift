import Batch
import Foundation
import Warehouse

/// The model's SQL as a person would give it to DuckDB's program: no catalog, no checks, no digest, no fsync.
struct ByHand {
    let house: House
    let model: Model

    func run(round: Int) throws -> Cost {
        let files = house.files.map { SQL.literal($0) }.joined(separator: ", ")
        let grain = model.grain.joined(separator: ", ")
        let script = """
            \(house.engine.load("icu"))
            SET TimeZone = 'UTC'; SET threads = 2; SET memory_limit = '4GB';
            CREATE SCHEMA raw;
            CREATE VIEW raw.quotes AS SELECT * FROM read_parquet([\(files)]);
            COPY (SELECT * FROM (\(model.query)) ORDER BY \(grain))
            TO '\(house.folder)/by-hand-\(round).parquet' (FORMAT parquet, COMPRESSION zstd);
            """
        let path = "\(house.folder)/by-hand.sql"
        try script.write(toFile: path, atomically: false, encoding: .utf8)
        return try cost(ofRunning: path)
    }

    private func cost(ofRunning script: String) throws -> Cost {
        let start = Cost.Start()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: house.engine.location.executable)
        process.arguments = ["-no-init", "-batch", "-bail", "-unsigned", "-f", script, ":memory:"]
        try process.run()
        process.waitUntilExit()
        try expect(process.terminationStatus == 0, "DuckDB ended with \(process.terminationStatus)")
        return start.stop()
    }
}
