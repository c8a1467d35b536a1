import Lake
import MarketData
import Testing

struct ParquetInspectionTests {
    private func file(rows: Int) throws -> EncodedRawFile {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        for number in 0..<rows {
            _ = encoder.append(Samples.message(replacing: "28.4", with: "28.\(number)"), offset: Int64(number))
        }
        return try encoder.finish()
    }

    @Test
    func `columns are told with their types`() throws {
        let columns = try ParquetInspection(file(rows: 3).bytes).columns
        let types = Dictionary(uniqueKeysWithValues: columns.map { ($0.name, $0) })
        #expect(types["price"]?.type == "FIXED_LEN_BYTE_ARRAY(16) Decimal(precision=38, scale=18)")
        #expect(types["seen_at"]?.type.hasPrefix("INT64 Timestamp(isAdjustedToUTC=true, timeUnit=microseconds") == true)
        #expect(types["_offset"]?.type == "INT64")
        #expect(types["_partition"]?.type == "INT32")
        #expect(types["price"]?.isRequired == true)
        #expect(types["price_or_null"]?.isRequired == false)
        #expect(columns.allSatisfy { $0.size > 0 })
    }

    @Test(arguments: ["", "PAR1", "no Parquet at all", "PAR1................PAR1"])
    func `what is no Parquet file is refused`(text: String) {
        #expect(throws: ParquetFault.self) { try ParquetInspection(Array(text.utf8)) }
    }

    @Test
    func `a file that was cut off is refused`() throws {
        let bytes = try file(rows: 100).bytes
        for length in stride(from: 0, to: bytes.count, by: 97) {
            #expect(throws: ParquetFault.self) { try ParquetInspection(Array(bytes[..<length])) }
        }
    }

    @Test
    func `an altered page fails the full check by its checksum, and any alteration changes the sha256`() throws {
        let file = try file(rows: 1000)
        let pages = try ParquetInspection(file.bytes, decodingAll: true).columns.reduce(0) { $0 + $1.size }
        var failed = 0
        for place in stride(from: 4, to: Int(pages), by: 101) {
            var altered = file.bytes
            altered[place] ^= 1
            #expect(SHA256.hexadecimal(of: altered) != file.sha256)
            do throws(ParquetFault) { _ = try ParquetInspection(altered, decodingAll: true) } catch { failed += 1 }
        }
        // Some bits of page headers, such as those of statistics, change no value.
        #expect(failed > Int(pages) / 101 / 2)
    }
}
