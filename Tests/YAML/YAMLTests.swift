import Testing
import YAML

@Suite("Reading YAML")
struct YAMLTests {
    private let text = """
        # settings
        poller:
          feeds:
            - name: coinbase-spot
              symbols: [BTC-USD, "ETH-USD"]
          rate: 12.5
        empty:
        quoted: "true"
        block: |
          two
          lines

        """

    @Test("mappings, sequences and scalars are reached by key and place")
    func structure() throws {
        let root = try YAMLNode(parsing: text)
        let feed = try #require(root["poller"]?["feeds"]?.elements?.first)
        #expect(feed["name"]?.text == "coinbase-spot")
        #expect(feed["symbols"]?.elements?.map(\.text) == ["BTC-USD", "ETH-USD"])
        #expect(root["poller"]?["rate"]?.double == 12.5)
        #expect(root["empty"]?.isNull == true)
        #expect(root["block"]?.text == "two\nlines\n")
        #expect(root["absent"] == nil)
        #expect(root.entries?.map(\.key) == ["poller", "empty", "quoted", "block"])
    }

    @Test("every node knows its line and column")
    func marks() throws {
        let root = try YAMLNode(parsing: text)
        let feed = try #require(root["poller"]?["feeds"]?.elements?.first)
        #expect(root.entries?.first?.keyMark == YAMLMark(line: 2, column: 1))
        #expect(feed.mark == YAMLMark(line: 4, column: 7))
        #expect(feed["symbols"]?.elements?.last?.mark == YAMLMark(line: 5, column: 26))
        #expect(root["poller"]?["rate"]?.mark == YAMLMark(line: 6, column: 9))
    }

    @Test(
        "plain scalars mean what YAML 1.2's core schema says; quoted ones are texts",
        arguments: [
            ("12", Int64(12), Bool?.none, false), ("-7", -7, nil, false), ("true", nil, true, false),
            ("False", nil, false, false), ("no", nil, nil, false), ("~", nil, nil, true), ("null", nil, nil, true),
            ("'12'", nil, nil, false), ("\"null\"", nil, nil, false), ("1.5", nil, nil, false),
            ("12s", nil, nil, false),
        ] as [(String, Int64?, Bool?, Bool)])
    func scalars(text: String, integer: Int64?, boolean: Bool?, isNull: Bool) throws {
        let node = try YAMLNode(parsing: text)
        #expect(node.integer == integer)
        #expect(node.boolean == boolean)
        #expect(node.isNull == isNull)
        #expect((node.text == nil) == isNull)
    }

    @Test("numbers are finite", arguments: [".nan", ".inf", "nan", "inf", "infinity", "0x10", "1e999", "\"1\""])
    func noNumbers(text: String) throws {
        #expect(try YAMLNode(parsing: text).double == nil)
    }

    @Test("an empty document is a null", arguments: ["", "\n", "# only a comment\n", "---\n"])
    func empty(text: String) throws {
        #expect(try YAMLNode(parsing: text).isNull)
    }

    @Test(
        "a fault says what and where",
        arguments: [
            ("a: 1\nb: 2\na: 3\n", YAMLFault.Reason.duplicateKey("a"), YAMLMark(line: 3, column: 1)),
            ("x:\n  - {k: 1, k: 2}\n", .duplicateKey("k"), YAMLMark(line: 2, column: 12)),
            ("a: &one [1]\nb: *one\n", .alias, YAMLMark(line: 2, column: 4)),
            ("a: !secret x\n", .tag, YAMLMark(line: 1, column: 4)),
            ("a: !!map {}\n", .tag, YAMLMark(line: 1, column: 4)),
            ("[1, 2]: x\n", .keyIsNoScalar, YAMLMark(line: 1, column: 1)),
            ("a: 1\n---\nb: 2\n", .severalDocuments, YAMLMark(line: 2, column: 1)),
        ])
    func faults(text: String, reason: YAMLFault.Reason, mark: YAMLMark) {
        #expect(throws: YAMLFault(reason, at: mark)) { try YAMLNode(parsing: text) }
    }

    @Test(
        "what is not YAML is refused with libyaml's words and the line",
        arguments: [
            ("a: [1, 2\n", 2), ("a: 1\n b: 2\n", 2), ("a: 1\n\tb: 2\n", 2), ("ok: 1\nbad: \"open\n", 3),
            ("a: 1\nb: }\n", 2), ("ok: 1\nbell: \u{7}\n", 2),
        ])
    func malformed(text: String, line: Int) throws {
        let fault = #expect(throws: YAMLFault.self) { try YAMLNode(parsing: text) }
        guard case .malformed = fault?.reason else {
            Issue.record("\(String(describing: fault))")
            return
        }
        #expect(fault?.mark.line == line)
    }

    @Test("bytes that are no UTF-8 are refused where they stand")
    func notUTF8() {
        let bytes = Array("ok: é\nbad: ".utf8) + [0xFF] + Array("\n".utf8)
        let fault = #expect(throws: YAMLFault.self) { try YAMLNode(parsing: bytes) }
        #expect(fault?.mark == YAMLMark(line: 2, column: 6))
    }

    @Test("depth and length are bounded")
    func bounds() throws {
        let deep = String(repeating: "[", count: 20) + String(repeating: "]", count: 20)
        #expect(try YAMLNode(parsing: deep).elements?.count == 1)
        #expect(throws: YAMLFault(.tooDeep, at: YAMLMark(line: 1, column: 12))) {
            try YAMLNode(parsing: deep, maximumDepth: 10)
        }
        #expect(throws: YAMLFault.self) { try YAMLNode(parsing: String(repeating: "[", count: 100_000)) }
        #expect(throws: YAMLFault(.tooLarge, at: YAMLMark(line: 1, column: 1))) {
            try YAMLNode(parsing: "a: 12345", maximumBytes: 7)
        }
    }

    @Test("expansion bombs stay small, since aliases are refused")
    func bomb() {
        let bomb = """
            a: &a [x, x, x, x, x, x, x, x, x]
            b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
            """
        #expect(throws: YAMLFault(.alias, at: YAMLMark(line: 2, column: 8))) { try YAMLNode(parsing: bomb) }
    }
}
