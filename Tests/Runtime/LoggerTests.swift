import Foundation
import MarketData
import Runtime
import Synchronization
import Testing

@Suite("Log lines")
struct LoggerTests {
    /// Text that breaks a line, a quote, a terminal or a reader that is not told.
    static let hostile: [String] = [
        "", " ", "=", "a=b", "\"", "\\", "\\\"", "\n", "\r\n", "\t", "\0", "\u{1b}[2J", "\u{7f}", "\u{85}", "\u{2028}",
        "\u{202e}abc", "ação", "👩‍👩‍👧", "}{", "</script>", "level=error", "x\" level=\"error",
        String(decoding: [0x61, 0xff, 0xfe, 0x62] as [UInt8], as: UTF8.self),
        String(decoding: [0xed, 0xa0, 0x80] as [UInt8], as: UTF8.self),
    ]

    private static func line(_ format: Logger.Format, _ value: String) -> String {
        let lines = Mutex<[String]>([])
        let logger = Logger(component: "test", format: format, sink: { line in lines.withLock { $0.append(line) } })
        logger.warning(value, ["value": value, "last": 1])
        return lines.withLock { $0.joined(separator: "\n") }
    }

    /// Whether a terminal or a reader of lines does other things than show it.
    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .control || ["\u{2028}", "\u{202e}"].contains(scalar)
    }

    @Test("A line of JSON is one line and an object that gives every value back", arguments: hostile)
    func json(value: String) throws {
        let line = Self.line(.json, value)
        #expect(!line.unicodeScalars.contains(where: Self.steers))
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String])
        #expect(object["event"] == value)
        #expect(object["value"] == value)
        #expect(object["last"] == "1")
        #expect(object.keys.sorted() == ["component", "event", "last", "level", "time", "value"])
    }

    @Test("A line of logfmt is one line of pairs that gives every value back", arguments: hostile)
    func logfmt(value: String) throws {
        let line = Self.line(.logfmt, value)
        #expect(!line.unicodeScalars.contains(where: Self.steers))
        let pairs = try Self.pairs(line)
        #expect(pairs.map(\.name) == ["time", "level", "component", "event", "value", "last"])
        #expect(pairs.map(\.value).dropFirst(3) == [value, value, "1"])
    }

    /// Reads logfmt: names, each with `=` and a bare or quoted value, blanks between.
    private static func pairs(_ line: String) throws -> [(name: String, value: String)] {
        var pairs: [(name: String, value: String)] = []
        var rest = Substring(line)
        while !rest.isEmpty {
            let name = rest.prefix { $0 != "=" }
            rest = rest.dropFirst(name.count + 1)
            if rest.first == "\"" {
                // A quoted value is a JSON string.
                var end = rest.utf8.index(after: rest.utf8.startIndex)
                while rest.utf8[end] != UInt8(ascii: "\"") {
                    end = rest.utf8.index(end, offsetBy: rest.utf8[end] == UInt8(ascii: "\\") ? 2 : 1)
                }
                let quoted = rest[..<rest.utf8.index(after: end)]
                let value = try JSONDecoder().decode(String.self, from: Data(quoted.utf8))
                pairs.append((String(name), value))
                rest = rest[quoted.endIndex...].dropFirst()
            } else {
                let value = rest.unicodeScalars.prefix { $0 != " " }
                pairs.append((String(name), String(value)))
                rest = Substring(rest.unicodeScalars[value.endIndex...].dropFirst())
            }
        }
        return pairs
    }

    @Test(
        "Credentials in a text are not written",
        arguments: [
            "http://user:hunter2@host/path", "s3://key:hunter2@bucket?region=x", "postgres://u:hunter2@db:5432/x",
            "amqp://hunter2@host", "host=db password=hunter2 user=u", "password='hunter2 x' dbname=y",
            "password = \"hunter2 x\"", "s3://bucket?secret_key=hunter2&region=x", "access_key=hunter2;",
            "sasl.password=hunter2", "PGPASSWORD=hunter2", "aws_secret_access_key=hunter2", "Token=hunter2",
            "two http://a:hunter2@b and ftp://c:hunter2@d", "http://user:p@hunter2@host/",
        ])
    func credentials(text: String) throws {
        for format in Logger.Format.allCases { #expect(!Self.line(format, text).contains("hunter2"), "\(format)") }
        let readiness = Readiness()
        readiness.hold("part", text)
        #expect(!readiness.reasons.joined().contains("hunter2"))
    }

    @Test(
        "Text without credentials is left as it is",
        arguments: [
            "http://host/path?symbol=BTC", "a@b.example", "https://host:8080/x@y", "reads 3 = 3", "tokens=3",
            "raw/quotes/dt=2026-11-27/pregao.quotes~abcd1234-0-0-1-ff.parquet",
        ])
    func others(text: String) { #expect(text.withoutCredentials == text) }
}
