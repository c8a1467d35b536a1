import JSON
import Testing

@Suite("The two readers")
struct ReaderAgreementTests {
    @Test("a message altered at random is read by both or by neither, and its texts are the same", arguments: 1...8)
    func agree(seed: UInt64) throws {
        let whole = Array(#"{"version":1,"price":"59465.39","note":"\u00e9\n","sizes":[1,-2.5e3,null],"ok":true}"#.utf8)
        let alphabet = Array(#"{}[]",:\u019eE.-+tfn "#.utf8) + [0xFF, 0xC3, 0x00]
        var reader = FlatObjectReader(fields: ["price", "version"])
        var state = seed
        func random(below bound: Int) -> Int {
            // Knuth's MMIX generator: the same seed alters the same bytes.
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<2000 {
            var bytes = whole
            for _ in 0...random(below: 3) {
                bytes[random(below: bytes.count)] = alphabet[random(below: alphabet.count)]
            }
            let fault = bytes.withUnsafeBytes { reader.read($0) }
            guard let document = try? JSONDocument(parsing: bytes), document.root.object != nil else {
                #expect(fault != nil, "\(String(decoding: bytes, as: UTF8.self))")
                continue
            }
            #expect(fault == nil, "\(String(decoding: bytes, as: UTF8.self))")
            if reader.slot(0).kind == .string { #expect(document["price"]?.string == reader.slot(0).string) }
            if reader.slot(1).kind == .integer { #expect(document["version"]?.int64 == reader.slot(1).integer) }
        }
    }
}
