import Lake
import MarketData
import Testing

/// What is no row, and why.
@Suite(.timeLimit(.minutes(2)))
struct RejectionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let message: [UInt8]?
        let reason: RejectionReason

        init(_ description: String, _ message: String?, _ reason: RejectionReason) {
            self.init(description, bytes: message.map { Array($0.utf8) }, reason)
        }

        init(_ description: String, bytes: [UInt8]?, _ reason: RejectionReason) {
            testDescription = description
            message = bytes
            self.reason = reason
        }
    }

    static let documents: [Case] = [
        Case("a tombstone", nil, .tombstone),
        Case("nothing", "", .notJSON),
        Case("a web page", "<html></html>", .notJSON),
        Case("cut off", String(Samples.message().dropLast()), .notJSON),
        Case("something behind it", Samples.message() + "{}", .notJSON),
        Case("NaN", Samples.message(replacing: "-7", with: "NaN"), .notJSON),
        Case("an unknown number of 2^64", Samples.message(adding: "\"x\":18446744073709551616"), .unreadableNumber),
        Case("65 levels", Samples.message(adding: "\"x\":\(deep(64, around: "1"))"), .tooDeep),
        Case("an array", "[\(Samples.message())]", .notAnObject),
        Case("a number", "1", .notAnObject),
        Case("nested deeply", Samples.message(adding: "\"x\":\(deep(100))"), .tooDeep),
        Case("not UTF-8", bytes: Array(Samples.message().utf8.map { $0 == UInt8(ascii: "B") ? 0xFF : $0 }), .notUTF8),
        Case("a key twice", Samples.message(adding: "\"count\":-7"), .duplicateKey),
        Case("an unknown key twice", Samples.message(adding: "\"x\":1,\"x\":2"), .duplicateKey),
        Case("too large", Samples.message(adding: "\"note\":\"\(String(repeating: "x", count: 1 << 20))\""), .tooLarge),
        Case("no version", "{\(Samples.required)}", .noVersion),
        Case("version zero", Samples.message(version: 0), .noVersion),
        Case("a negative version", Samples.message(version: -1), .noVersion),
        Case("a version that is text", "{\"version\":\"1\",\(Samples.required)}", .noVersion),
        Case("a fraction of a version", "{\"version\":1.0,\(Samples.required)}", .noVersion),
    ]

    static let values: [Case] = [
        Case("a missing column", Samples.message(replacing: "\"count\":-7,", with: ""), .missingColumn),
        Case("a null column", Samples.message(replacing: "-7", with: "null"), .missingColumn),
        Case("a number for text", Samples.message(replacing: "\"BTC-USD\"", with: "1"), .wrongType),
        Case("text for an integer", Samples.message(replacing: "-7", with: "\"-7\""), .wrongType),
        Case("a fraction for an integer", Samples.message(replacing: "-7", with: "-7.0"), .wrongType),
        Case("an integer beyond 64 bits", Samples.message(replacing: "-7", with: "9223372036854775808"), .wrongType),
        Case("a number for a decimal", Samples.message(replacing: "\"28.4\"", with: "28.4"), .wrongType),
        Case("words for a decimal", Samples.message(replacing: "28.4", with: "a lot"), .wrongType),
        Case("NaN as text", Samples.message(replacing: "28.4", with: "NaN"), .wrongType),
        Case("an empty decimal", Samples.message(replacing: "28.4", with: ""), .wrongType),
        Case(
            "21 digits before the point", Samples.message(replacing: "28.4", with: "100000000000000000000"),
            .decimalDoesNotFit),
        Case(
            "19 decimal places", Samples.message(replacing: "28.4", with: "0.0000000000000000001"), .decimalDoesNotFit),
        Case(
            "a time without zone", Samples.message(replacing: "00.123456Z", with: "00.123456"), .wrongType),
        Case(
            "a time before 2000",
            Samples.message(replacing: "2026-11-21T11:15:00.123456Z", with: "1999-12-31T23:59:59.999999Z"),
            .implausibleTime),
        Case(
            "a time from 2100 on",
            Samples.message(replacing: "2026-11-21T11:15:00.123456Z", with: "2100-01-01T00:00:00Z"), .implausibleTime),
        Case(
            "the 31st of November", Samples.message(replacing: "\"2026-11-21\"", with: "\"2026-11-31\""), .wrongType),
        Case(
            "a trading day in another century", Samples.message(replacing: "\"2026-11-21\"", with: "\"1926-11-21\""),
            .implausibleTime),
        Case("text for a boolean", Samples.message(replacing: "true", with: "\"true\""), .wrongType),
        Case("an object for text", Samples.message(adding: "\"note\":{}"), .wrongType),
        Case("an array for a nullable integer", Samples.message(adding: "\"count_or_null\":[1]"), .wrongType),
        Case("a wrong nullable decimal", Samples.message(adding: "\"price_or_null\":\"1,5\""), .wrongType),
    ]

    static func deep(_ depth: Int, around content: String = "") -> String {
        String(repeating: "[", count: depth) + content + String(repeating: "]", count: depth)
    }

    @Test
    func `a message of 64 levels is a row`() {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        #expect(encoder.append(Samples.message(adding: "\"x\":\(Self.deep(63, around: "1"))")) == .accepted)
    }

    private func verdict(on message: [UInt8]?, _ encoder: inout RawFileEncoder) -> RawFileEncoder.Verdict {
        guard let message else { return encoder.append(nil, offset: 5) }
        return encoder.append(message, offset: 5)
    }

    @Test(arguments: documents + values)
    func `it is rejected with its reason, and the rows around it are as without it`(rejected: Case) throws {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        var without = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        let full = Samples.message(adding: "\"note\":\"n\",\"price_or_null\":\"1\",\"flag_or_null\":true")
        for offset in Int64(0)..<20 {
            let message = offset % 2 == 0 ? full : Samples.message()
            guard case .rejected(let reason, let detail) = verdict(on: rejected.message, &encoder) else {
                Issue.record("not rejected")
                return
            }
            #expect(reason == rejected.reason)
            #expect(!detail.isEmpty)
            #expect(encoder.append(message, offset: offset) == .accepted)
            #expect(without.append(message, offset: offset) == .accepted)
        }
        #expect(encoder.rows == 20)
        #expect(try encoder.finish() == without.finish())
    }

    @Test
    func `a rejection names the column and what was there`() {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        let verdict = encoder.append(Samples.message(replacing: "28.4", with: "a lot"))
        #expect(verdict == .rejected(.wrongType, detail: "column price, decimal: \"a lot\""))
    }

    @Test
    func `columns that may be null may also be left out, and unknown members are passed over`() {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        #expect(encoder.append(Samples.message(adding: "\"note\":null,\"x\":{\"y\":[1]}")) == .accepted)
    }

    @Test
    func `a message of another version cuts the file, and one newer than the dataset pauses`() {
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 2, partition: 0)
        #expect(encoder.append(Samples.message(version: 2)) == .accepted)
        #expect(encoder.append(Samples.message(version: 1)) == .otherVersion(1))
        #expect(encoder.append(Samples.message(version: 3)) == .newerVersion(3))
        #expect(encoder.rows == 1)
        var older = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        #expect(older.append(Samples.message(version: 2)) == .otherVersion(2))
        #expect(older.append(Samples.message(version: 3)) == .newerVersion(3))
        #expect(older.append(Samples.message(version: 1)) == .accepted)
    }

    @Test
    func `a message tells its version before a file is begun`() {
        let version = { (message: String) in Array(message.utf8).withUnsafeBytes { RawFileEncoder.version(of: $0) } }
        #expect(version(Samples.message(version: 7)) == 7)
        #expect(version("{\"x\":1}") == nil)
        #expect(version("not JSON") == nil)
        #expect(RawFileEncoder.version(of: nil) == nil)
    }

    @Test
    func `no message, however damaged, makes half a row`() throws {
        var generator = Seeded(state: 4711)
        var encoder = RawFileEncoder(dataset: Samples.dataset, version: 1, partition: 0)
        let whole = Array(Samples.message(adding: "\"note\":\"ação\",\"price_or_null\":\"1.5\"").utf8)
        var accepted = 0
        for _ in 0..<5000 {
            var message = whole
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<message.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: message[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: message.remove(at: place)
                default: message.insert(whole.randomElement(using: &generator) ?? 0, at: place)
                }
            }
            if encoder.append(message) == .accepted { accepted += 1 }
            #expect(encoder.rows == accepted)
        }
        let file = try encoder.finish()
        #expect(try ParquetInspection(file.bytes, decodingAll: true).rows == Int64(accepted))
    }

    /// SplitMix64, so that a failure repeats.
    private struct Seeded: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}
