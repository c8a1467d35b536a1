import Lake
import MarketData
import Testing

@Suite("Dead letters")
struct DeadLetterTests {
    static let letter = DeadLetter(
        topic: "pregao.quotes", partition: 3, offset: 42, timestamp: Instant(microseconds: 1_700_000_000_123_456),
        reason: "not-json", detail: "a \"quoted\" word\nand \u{1F4C8}",
        content: .inline(
            key: Array("BTC-USD".utf8), value: [0, 255, 10, 34], headers: [.init(name: "trace", value: [1, 2])]))

    @Test("A letter reads back as it was written, whatever its bytes are")
    func readsBack() throws {
        #expect(try DeadLetter.parse(Self.letter.json()) == Self.letter)
    }

    @Test("A letter names the epoch of its offset, also where its message is stored; an old one names none")
    func epoch() throws {
        let letter = DeadLetter(
            topic: "t", partition: 0, offset: 7, epoch: "abcd1234", timestamp: Instant(microseconds: 0), reason: "r",
            detail: "", content: .inline(key: nil, value: nil, headers: []))
        #expect(try DeadLetter.parse(letter.json()) == letter)
        #expect(letter.stored(epoch: "abcd1234").letter.epoch == "abcd1234")
        #expect(try DeadLetter.parse(Self.letter.json()).epoch == nil)
    }

    @Test("A message without key and value, a tombstone, reads back as one")
    func tombstone() throws {
        let letter = DeadLetter(
            topic: "t", partition: 0, offset: 0, timestamp: Instant(microseconds: 0), reason: "tombstone", detail: "",
            content: .inline(key: nil, value: nil, headers: []))
        #expect(try DeadLetter.parse(letter.json()) == letter)
        let empty = DeadLetter(
            topic: "t", partition: 0, offset: 0, timestamp: Instant(microseconds: 0), reason: "not-json", detail: "",
            content: .inline(key: [], value: [], headers: []))
        #expect(try DeadLetter.parse(empty.json()) == empty)
    }

    @Test("A long detail is cut where a scalar ends")
    func detail() {
        let letter = DeadLetter(
            topic: "t", partition: 0, offset: 0, timestamp: Instant(microseconds: 0), reason: "r",
            detail: "e" + String(repeating: "\u{301}", count: 1000), content: .inline(key: nil, value: nil, headers: [])
        )
        #expect(letter.detail == "e" + String(repeating: "\u{301}", count: 511))
    }

    @Test("A stored letter names an object that holds the whole letter, the same for the same letter")
    func stored() throws {
        let stored = Self.letter.stored(epoch: "abcd1234")
        #expect(try DeadLetter.parse(stored.bytes) == Self.letter)
        #expect(stored.letter.content == .stored(object: stored.key))
        #expect(try DeadLetter.parse(stored.letter.json()) == stored.letter)
        #expect(stored.key.hasPrefix("dead-letters/pregao.quotes~abcd1234-3-00000000000000000042-"))
        #expect(Self.letter.stored(epoch: "abcd1234").key == stored.key)
    }

    @Test(
        "Anything else is refused, with the reason",
        arguments: ["", "[]", "{}", #"{"topic":"t"}"#, String(repeating: "[", count: 10_000)])
    func refused(text: String) {
        #expect(throws: DeadLetterFault.self) { try DeadLetter.parse(Array(text.utf8)) }
    }

    @Test("A timestamp that is none is refused")
    func refusedTimestamp() {
        let text = #"{"topic":"t","partition":0,"offset":1,"timestamp":"noon","reason":"r","detail":"d"}"#
        #expect(throws: DeadLetterFault.self) { try DeadLetter.parse(Array(text.utf8)) }
    }
}
