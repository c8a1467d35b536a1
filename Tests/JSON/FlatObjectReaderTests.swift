import Foundation
import JSON
import Testing

@Suite("Reading flat objects")
struct FlatObjectReaderTests {
    private func fault(
        _ text: String, fields: [String] = ["a", "b"], maximumBytes: Int = 1 << 20, maximumDepth: Int = 64
    ) -> JSONFault? {
        var reader = FlatObjectReader(fields: fields, maximumBytes: maximumBytes, maximumDepth: maximumDepth)
        return Array(text.utf8).withUnsafeBytes { reader.read($0) }
    }

    @Test("wanted members are found in any order among members that nobody asked for")
    func findsMembers() {
        var reader = FlatObjectReader(fields: ["s", "i", "d", "t", "n", "o", "absent"])
        let text = #"{"x":{"s":"deep"},"n":null,"d":-1.5e3,"i":-42,"s":"a\u00e9\"b","t":true,"o":[1,2],"y":0}"#
        Array(text.utf8).withUnsafeBytes { #expect(reader.read($0) == nil) }
        #expect(reader.slot(0).kind == .string)
        #expect(reader.slot(0).string == "aé\"b")
        #expect(reader.slot(1).kind == .integer)
        #expect(reader.slot(1).integer == -42)
        #expect(reader.slot(2).kind == .double)
        #expect(reader.slot(2).double == -1500)
        #expect(reader.slot(3).kind == .boolean)
        #expect(reader.slot(3).boolean)
        #expect(reader.slot(4).kind == .null)
        #expect(reader.slot(5).kind == .other)
        #expect(reader.slot(6).kind == .missing)
    }

    @Test("nothing of one message is left in the next")
    func forgets() {
        var reader = FlatObjectReader(fields: ["a", "b"])
        Array(#"{"a":"first","b":1}"#.utf8).withUnsafeBytes { #expect(reader.read($0) == nil) }
        Array(#"{"b":"second"}"#.utf8).withUnsafeBytes { #expect(reader.read($0) == nil) }
        #expect(reader.slot(0).kind == .missing)
        #expect(reader.slot(1).string == "second")
    }

    @Test("a message after a faulty one is read as if nothing had been")
    func recovers() {
        var reader = FlatObjectReader(fields: ["a"], maximumDepth: 8)
        for text in ["{", "[]", String(repeating: "[", count: 100), #"{"a":1,"a":2}"#, ""] {
            Array(text.utf8).withUnsafeBytes { #expect(reader.read($0) != nil) }
            Array(#"{"a":7}"#.utf8).withUnsafeBytes { #expect(reader.read($0) == nil) }
            #expect(reader.slot(0).integer == 7)
        }
    }

    @Test("an integer beyond Int64 is no integer")
    func largeIntegers() {
        var reader = FlatObjectReader(fields: ["a", "b"])
        let text = #"{"a":9223372036854775807,"b":9223372036854775808}"#
        Array(text.utf8).withUnsafeBytes { #expect(reader.read($0) == nil) }
        #expect(reader.slot(0).integer == .max)
        #expect(reader.slot(1).kind == .double)
    }

    @Test(
        "each fault has its name",
        arguments: [
            ("[]", JSONFault.notAnObject), ("1", .notAnObject), ("null", .notAnObject), (#""a""#, .notAnObject),
            (#"{"a":1,"a":1}"#, .duplicateKey("a")), (#"{"a":1,"\u0061":1}"#, .duplicateKey("a")),
            (#"{"x":1,"a":2,"x":3}"#, .duplicateKey("x")),
        ])
    func names(text: String, expected: JSONFault) {
        #expect(fault(text) == expected)
    }

    @Test(
        "what is not JSON is malformed",
        arguments: [
            "", " ", "{", "}", #"{"a""#, #"{"a":}"#, #"{"a":1,}"#, #"{"a":+1}"#, #"{"a":.5}"#,
            #"{"a":NaN}"#, #"{"a":Infinity}"#,
            #"{"a":"\ud800"}"#, #"{"a":"\udc00"}"#, #"{"a":"\x"}"#, "{\"a\":\"\n\"}", "{\"a\":1} x", "{}{}",
            "{'a':1}", "{a:1}", "\u{FEFF}{}", #"{"a":tru}"#, "<html></html>", #"{"x":nul}"#,
        ])
    func malformed(text: String) {
        guard case .malformed = fault(text) else {
            Issue.record("\(text): \(String(describing: fault(text)))")
            return
        }
    }

    @Test(
        "a number that cannot be read is told from what is not JSON, wanted or not",
        arguments: [
            "01", "1.", "1e999", "18446744073709551616", "-9223372036854775809", "123456789012345678901234567890",
        ], ["a", "x"])
    func unreadableNumbers(number: String, name: String) {
        #expect(fault(#"{"\#(name)":\#(number)}"#) == .unreadableNumber)
        #expect(throws: JSONFault.unreadableNumber) { try JSONDocument(parsing: #"{"\#(name)":\#(number)}"#) }
    }

    @Test("every prefix of a message is a fault")
    func truncated() {
        let whole = Array(#"{"a":"x\u00e9y","b":{"c":[1,-2.5e3,true,null]}}"#.utf8)
        var reader = FlatObjectReader(fields: ["a", "b"])
        for length in 0..<whole.count {
            whole[..<length].withUnsafeBytes { bytes in #expect(reader.read(bytes) != nil, "\(length) bytes") }
        }
    }

    @Test("bytes that are no UTF-8 are refused wherever they stand")
    func notUTF8() {
        var reader = FlatObjectReader(fields: ["a"])
        for bad: [UInt8] in [[0xFF], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF8, 0x88, 0x80, 0x80], [0xC3]] {
            let bytes = Array(#"{"other":"x"#.utf8) + bad + Array(#"","a":1}"#.utf8)
            bytes.withUnsafeBytes { #expect(reader.read($0) == .notUTF8) }
        }
    }

    @Test("length and depth are bounded")
    func bounds() {
        let long = #"{"a":"0123456789"}"#
        #expect(fault(long, maximumBytes: long.utf8.count) == nil)
        #expect(fault(long, maximumBytes: long.utf8.count - 1) == .tooLarge)
        let deep = #"{"a":"# + String(repeating: "[", count: 20) + String(repeating: "]", count: 20) + "}"
        #expect(fault(deep, maximumDepth: 64) == nil)
        #expect(fault(deep, maximumDepth: 10) == .tooDeep)
        let abyss = String(repeating: #"{"a":"#, count: 100_000) + "1" + String(repeating: "}", count: 100_000)
        #expect(fault(abyss) == .tooDeep)
    }

    @Test(
        "levels are counted of objects and arrays that hold something, whatever it is",
        arguments: [("[", "]"), (#"{"a":"#, "}")],
        [("1", 0), (#""a""#, 0), ("null", 0), ("[]", 0), ("{}", 0), ("[1]", 1)])
    func levels(brackets: (String, String), inside: (text: String, levels: Int)) {
        for levels in [1, 2, 10, 64] {
            let depth = levels - 1 - inside.levels
            guard depth >= 0 else { continue }
            func text(_ depth: Int) -> String {
                #"{"x":"# + String(repeating: brackets.0, count: depth) + inside.text
                    + String(repeating: brackets.1, count: depth) + "}"
            }
            #expect(fault(text(depth), maximumDepth: levels) == nil)
            #expect(fault(text(depth + 1), maximumDepth: levels) == .tooDeep)
            #expect(throws: Never.self) { try JSONDocument(parsing: text(depth), maximumDepth: levels) }
            #expect(throws: JSONFault.tooDeep) { try JSONDocument(parsing: text(depth + 1), maximumDepth: levels) }
        }
    }

    @Test("what a large document took is given back, and reading goes on")
    func givesBack() throws {
        let dense = Array((#"{"a":1,"x":["# + String(repeating: "1,", count: 500_000) + "1]}").utf8)
        var readers: [Holder] = []
        let before = try residentBytes()
        for _ in 0..<10 {
            let holder = Holder()
            dense.withUnsafeBytes { #expect(holder.reader.read($0) == nil) }
            holder.reader.forgetLargeDocument()
            readers.append(holder)
        }
        // Without it these readers would hold 150 MB.
        #expect(try residentBytes() - before < 75_000_000)
        for holder in readers {
            Array(#"{"a":7}"#.utf8).withUnsafeBytes { #expect(holder.reader.read($0) == nil) }
            holder.reader.forgetLargeDocument()
            #expect(holder.reader.slot(0).integer == 7)
            let abyss = String(repeating: #"{"a":"#, count: 65) + "1" + String(repeating: "}", count: 65)
            Array(abyss.utf8).withUnsafeBytes { #expect(holder.reader.read($0) == .tooDeep) }
        }
    }

    private final class Holder {
        var reader = FlatObjectReader(fields: ["a"])
    }

    /// What of the process is in memory, in pages of 4 KiB.
    private func residentBytes() throws -> Int {
        let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
        return try #require(Int(fields[1])) * 4096
    }

    @Test("a message larger than all before it is read")
    func grows() {
        var reader = FlatObjectReader(fields: ["a"])
        for length in [10, 10_000, 900_000, 10] {
            let text = #"{"a":""# + String(repeating: "x", count: length) + #""}"#
            Array(text.utf8).withUnsafeBytes { #expect(reader.read($0) == nil) }
            #expect(reader.slot(0).text.count == length)
        }
    }
}
