import JSON
import Lake
import MarketData
import Testing

/// What messages become in Parquet, as DuckDB reads it.
@Suite(.timeLimit(.minutes(2)))
struct RawFileEncoderTests {
    @Test
    func `a row holds the message's values, its partition and its offset`() async throws {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 3)
        let verdict = encoder.append(
            Samples.message(
                adding: """
                    "note":"a \\"note\\", ação","count_or_null":9223372036854775807,"price_or_null":"-0.000000000000000001",\
                    "seen_or_null":"2000-01-01T00:00:00Z","day_or_null":"1969-12-31","flag_or_null":false
                    """), offset: 4_711)
        #expect(verdict == .accepted)
        #expect(encoder.append(Samples.message(), offset: 4_713) == .accepted)
        #expect(encoder.rows == 2)
        let file = try encoder.finish()
        let rows = try await DuckDB.query("SELECT COLUMNS(*)::VARCHAR FROM FILE ORDER BY _offset", on: file.bytes)
        #expect(
            rows.map { String(decoding: $0.bytes, as: UTF8.self) } == [
                """
                {"name":"BTC-USD","note":"a \\"note\\", ação","count":"-7","count_or_null":"9223372036854775807",\
                "price":"28.400000000000000000","price_or_null":"-0.000000000000000001",\
                "seen_at":"2026-11-21 11:15:00.123456+00","seen_or_null":"2000-01-01 00:00:00+00",\
                "trading_day":"2026-11-21","day_or_null":"1969-12-31","flag":"true","flag_or_null":"false",\
                "_partition":"3","_offset":"4711"}
                """,
                """
                {"name":"BTC-USD","note":null,"count":"-7","count_or_null":null,"price":"28.400000000000000000",\
                "price_or_null":null,"seen_at":"2026-11-21 11:15:00.123456+00","seen_or_null":null,\
                "trading_day":"2026-11-21","day_or_null":null,"flag":"true","flag_or_null":null,\
                "_partition":"3","_offset":"4713"}
                """,
            ])
    }

    @Test
    func `columns have the types of the dataset`() async throws {
        let file = try RawFileEncoder(dataset: Samples.dataset, version: 2, partition: 0).finish()
        let types = try await DuckDB.query(
            "SELECT string_agg(column_name || ' ' || column_type, ', ') AS types FROM (DESCRIBE FROM FILE)",
            on: file.bytes)
        #expect(
            types.first?["types"]?.string == """
                name VARCHAR, note VARCHAR, count BIGINT, count_or_null BIGINT, price DECIMAL(38,18), \
                price_or_null DECIMAL(38,18), seen_at TIMESTAMP WITH TIME ZONE, \
                seen_or_null TIMESTAMP WITH TIME ZONE, trading_day DATE, day_or_null DATE, flag BOOLEAN, \
                flag_or_null BOOLEAN, later VARCHAR, _partition INTEGER, _offset BIGINT
                """)
    }

    @Test(arguments: Datasets.all)
    func `every observation of a known dataset comes back as it was`(dataset: Dataset) async throws {
        var named: [String: Value] = [:]
        for column in dataset.columns where column.name != "trading_day" {
            named[column.name] =
                switch column.type {
                case .text: .text(column.name)
                case .integer: .integer(7)
                case .decimal: .decimal(Decimal(28))
                case .instant: .instant(Instant(microseconds: 1_795_219_201_123_456))
                case .day: .day(Day(daysSinceEpoch: 20_778))
                case .boolean: .boolean(true)
                }
        }
        let observation = try Observation(dataset, named)
        var encoder = RawFileEncoder(dataset: dataset, version: dataset.version, partition: 0)
        #expect(encoder.append(observation.json(), offset: 0) == .accepted)
        let rows = try await DuckDB.query("SELECT COLUMNS(*)::VARCHAR FROM FILE", on: try encoder.finish().bytes)
        for (column, value) in zip(dataset.columns, observation.values) {
            let text: String =
                switch value {
                case .null: "null"
                case .text(let text): text
                case .integer(let number): "\(number)"
                case .decimal(let number): "\(number).000000000000000000"
                case .instant: "2026-11-21 00:00:01.123456+00"
                case .day: "2026-11-21"
                case .boolean(let flag): "\(flag)"
                }
            #expect(rows.first?[column.name]?.string == text, "\(column.name)")
        }
    }

    @Test
    func `a file without rows is readable and has the schema`() async throws {
        let file = try RawFileEncoder(dataset: Datasets.quotes, version: 1, partition: 0)
            .finish(range: 17..<42, topic: "pregao.quotes", epoch: "k3v9x2ab")
        #expect(file.rows == 0)
        #expect(file.days.isEmpty)
        #expect(file.sha256 == SHA256.hexadecimal(of: file.bytes))
        let count = try await DuckDB.query("SELECT count(*) AS n, max(price) AS price FROM FILE", on: file.bytes)
        #expect(count.first?["n"]?.int64 == 0)
        let inspection = try ParquetInspection(file.bytes, decodingAll: true)
        #expect(inspection.rows == 0)
        #expect(inspection.columns.count == Datasets.quotes.columns.count + 2)
    }

    @Test
    func `the footer tells what the file is of`() async throws {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 2, partition: 3)
        _ = encoder.append(Samples.message(version: 2), offset: 1250)
        let file = try encoder.finish(range: 1200..<1400, topic: "pregao.every-type", epoch: "k3v9x2ab")
        let expected = [
            "pregao.dataset": "every-type", "pregao.schema_version": "2", "pregao.topic": "pregao.every-type",
            "pregao.epoch": "k3v9x2ab", "pregao.partition": "3", "pregao.start": "1200", "pregao.end": "1400",
        ]
        let inspection = try ParquetInspection(file.bytes)
        #expect(inspection.metadata == expected)
        #expect(inspection.rows == 1)
        #expect(file.schemaVersion == 2)
        let pairs = try await DuckDB.query(
            "SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(FILE)", on: file.bytes)
        #expect(pairs.count == expected.count)
        for pair in pairs { #expect(expected[pair["key"]?.string ?? ""] == pair["value"]?.string) }
    }

    @Test
    func `rows keep the order of the messages, over many chunks`() async throws {
        let count = 3 * 8192 + 17
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        for number in 0..<count {
            let note = number % 3 == 0 ? "" : ",\"note\":\"\(number)\",\"price_or_null\":\"\(number)\""
            let message = Samples.message(replacing: ":-7", with: ":\(number)").replacing(
                ",\"flag", with: note + ",\"flag")
            _ = encoder.append(message, offset: Int64(number * 2))
        }
        let file = try encoder.finish()
        #expect(file.rows == Int64(count))
        #expect(try ParquetInspection(file.bytes, decodingAll: true).rows == Int64(count))
        let wrong = try await DuckDB.query(
            """
            SELECT * FROM (SELECT *, row_number() OVER () - 1 AS n FROM FILE) WHERE count <> n OR _offset <> 2 * n
            OR note IS DISTINCT FROM if(n % 3 = 0, NULL, n::VARCHAR)
            OR price_or_null IS DISTINCT FROM if(n % 3 = 0, NULL, n) LIMIT 3
            """, on: file.bytes)
        #expect(wrong == [])
    }

    @Test
    func `long texts are kept whole`() async throws {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        for number in 0..<40 {
            let long = String(repeating: "é\(number % 10)", count: 300_000)
            #expect(encoder.append(Samples.message(adding: "\"note\":\"\(long)\""), offset: Int64(number)) == .accepted)
        }
        let lengths = try await DuckDB.query(
            """
            SELECT count(*) AS n FROM FILE
            WHERE note = repeat('é' || (_offset % 10), 300000) AND name = 'BTC-USD'
            """, on: try encoder.finish().bytes)
        #expect(lengths.first?["n"]?.int64 == 40)
    }

    @Test
    func `the same messages give the same bytes`() throws {
        let files = try (0..<2).map { _ in
            var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
            for number in 0..<10_000 {
                _ = encoder.append(Samples.message(replacing: "28.4", with: "28.\(number)"), offset: Int64(number))
                _ = encoder.append("not JSON", offset: Int64(number))
            }
            return try encoder.finish()
        }
        #expect(files[0] == files[1])
    }

    @Test
    func `each trading day is told with its rows, its first and its last time`() throws {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        for (day, time) in [("21", "11:00:00"), ("22", "00:00:00"), ("21", "10:00:00"), ("21", "23:59:59.999999")] {
            _ = encoder.append(
                Samples.message(replacing: "2026-11-21T11:15:00.123456Z", with: "2026-11-\(day)T\(time)Z")
                    .replacing("\"2026-11-21\"", with: "\"2026-11-\(day)\""))
        }
        _ = encoder.append(Samples.message(replacing: "28.4", with: "x").replacing("2026-11-21", with: "2026-11-23"))
        let days = try encoder.finish().days
        #expect(
            days.map { "\($0.day) \($0.rows) \($0.first) \($0.last)" } == [
                "2026-11-21 3 2026-11-21T10:00:00.000000Z 2026-11-21T23:59:59.999999Z",
                "2026-11-22 1 2026-11-22T00:00:00.000000Z 2026-11-22T00:00:00.000000Z",
            ])
    }

    @Test
    func `memory grows with the compressed rows, not with the messages`() throws {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        var messageBytes = 0
        for number in 0..<100_000 {
            let message = Samples.message(replacing: "28.4", with: "28.\(number)")
            messageBytes += message.utf8.count
            _ = encoder.append(message, offset: Int64(number))
        }
        #expect(encoder.byteCount > 0)
        #expect(encoder.byteCount < messageBytes)
    }
}
