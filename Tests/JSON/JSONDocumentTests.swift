import JSON
import MarketData
import Testing

@Suite("Reading documents")
struct JSONDocumentTests {
    @Test("numbers keep the document's text and become exact decimals")
    func exactNumbers() throws {
        let document = try JSONDocument(parsing: #"[3728.67857634, 0.000000000000000001 ,1E3 , -0]"#)
        #expect(document[0] == .number("3728.67857634"))
        #expect(document[1]?.decimal?.description == "0.000000000000000001")
        #expect(document[2]?.decimal == Decimal(1000))
        #expect(document[3] == .number("-0"))
        #expect(document[4] == nil)
    }

    @Test("values are reached by name and place")
    func subscripts() throws {
        let document = try JSONDocument(
            parsing: #" { "a" : [ {"b":"text"} , true , null ] , "é\n" : 12 , "o":{}, "e":[] } "#)
        #expect(document["a"]?[0]?["b"]?.string == "text")
        #expect(document["a"]?[1]?.bool == true)
        #expect(document["a"]?[2]?.isNull == true)
        #expect(document["é\n"]?.int64 == 12)
        #expect(document["o"] == .object([]))
        #expect(document["e"] == .array([]))
        #expect(document["absent"] == nil)
    }

    @Test(
        "a document may be a single value",
        arguments: [
            ("12.50", JSONValue.number("12.50")), (" true ", .boolean(true)), ("null", .null),
            (#""x""#, .string("x")), ("-1 \n", .number("-1")),
        ])
    func scalars(text: String, expected: JSONValue) throws {
        #expect(try JSONDocument(parsing: text).root == expected)
    }

    @Test("a member that is there twice is a fault at any depth")
    func duplicates() {
        #expect(throws: JSONFault.duplicateKey("b")) { try JSONDocument(parsing: #"{"a":[{"b":1,"c":2,"b":1}]}"#) }
    }

    @Test("length and depth are bounded, and one document's bound is not the next one's")
    func bounds() throws {
        let deep = String(repeating: "[", count: 20) + String(repeating: "]", count: 20)
        #expect(throws: JSONFault.tooDeep) { try JSONDocument(parsing: deep, maximumDepth: 10) }
        #expect(try JSONDocument(parsing: deep).root.array?.count == 1)
        #expect(throws: JSONFault.tooDeep) { try JSONDocument(parsing: deep, maximumDepth: 10) }
        #expect(throws: JSONFault.tooLarge) { try JSONDocument(parsing: "[1,2,3]", maximumBytes: 6) }
    }

    @Test("documents of any size are read one after the other")
    func sizes() throws {
        for count in [3, 400_000, 3] {
            let text = "[" + (0..<count).map(String.init).joined(separator: ",") + "]"
            let document = try JSONDocument(parsing: text, maximumBytes: 10_000_000)
            #expect(document.root.array?.count == count)
            #expect(document[count - 1]?.int64 == Int64(count - 1))
        }
    }

    @Test(
        "what is not JSON is refused",
        arguments: ["", "[1,]", "[1 2]", "[NaN]", #"["\udc00"]"#, #"{"\ud800":1}"#, "[1]]", "nul", "1 2", "[1e400]"])
    func malformed(text: String) {
        #expect(throws: JSONFault.self) { try JSONDocument(parsing: text) }
    }

    @Test("a document written and read again is the same")
    func roundTrip() throws {
        let text = #"{"a":[1.50,-2e9,"\"\\\n\u0001é😀",null,true,false],"b":{},"c":[]}"#
        let document = try JSONDocument(parsing: text)
        #expect(try JSONDocument(parsing: document.root.bytes) == document)
        #expect(String(decoding: document.root.bytes, as: UTF8.self) == text)
    }
}
