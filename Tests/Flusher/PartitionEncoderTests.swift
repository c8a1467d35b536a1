import EventLog
import Lake
import MarketData
import Testing

@testable import Flusher

@Suite("Flusher: encoding a partition")
struct PartitionEncoderTests {
    private let source = TopicPartition(topic: "pregao.prices", partition: 3)
    private let encoder: PartitionEncoder
    private let again: PartitionEncoder

    init() {
        let identity = PartitionEncoder.Identity(
            dataset: pricesDataset, source: source, epoch: "abcd1234", deadLetterInlineLimit: 1000)
        encoder = PartitionEncoder(identity, thread: EncoderThread(number: 0))
        again = PartitionEncoder(identity, thread: EncoderThread(number: 1))
    }

    private let everything = Room(bytes: .max, messages: nil)

    private func batch(from start: Offset = 0, _ values: [UInt8]?...) -> RecordBatch {
        RecordBatch(source, from: start, values: values)
    }

    @Test("The same range gives the same name and the same bytes, however its records came")
    func isDeterministic() async throws {
        let values = (0..<6).map { priceMessage($0) }
        _ = await encoder.append(RecordBatch(source, from: 0, values: values), from: 0, room: everything)
        for index in values.indices {
            _ = await again.append(
                RecordBatch(source, from: 0, values: values), from: index, room: Room(bytes: 1, messages: 1))
        }
        let one = try await encoder.finish(0..<6, emptyReason: nil)
        let other = try await again.finish(0..<6, emptyReason: nil)
        #expect(one.contents.map(\.key) == other.contents.map(\.key))
        #expect(one.contents.map(\.bytes) == other.contents.map(\.bytes))
    }

    @Test("The name bears the range and the UTC day of the first message's timestamp, readable or not")
    func name() async throws {
        _ = await encoder.append(batch(Array("x".utf8), priceMessage(1)), from: 0, room: everything)
        let object = try await encoder.finish(0..<2, emptyReason: nil)
        let name = try #require(RawObjectName(key: object.summary.key))
        #expect(name.day == Day(year: 2026, month: 11, day: 21))
        #expect(name.start == 0 && name.end == 2 && name.partition == 3 && name.epoch == "abcd1234")
        #expect(name.digest == object.summary.sha256.prefix(16))
        #expect(object.contents.last?.key == object.summary.key)
    }

    @Test(
        "A range without a message is an object without a row, of the fixed day 1970-01-01, with its reason",
        arguments: [EmptyReason.lostToRetention, .beforeFirstStart])
    func withoutMessages(reason: EmptyReason) async throws {
        let object = try await encoder.finish(0..<9, emptyReason: reason)
        #expect(object.summary.rows == 0 && object.summary.rejected == 0)
        #expect(object.summary.emptyReason == reason)
        #expect(object.summary.key.hasPrefix("raw/prices/dt=1970-01-01/"))
        let other = try await again.finish(0..<9, emptyReason: reason)
        #expect(other.summary.key == object.summary.key)
    }

    @Test("A message that cannot be read becomes a dead letter with its bytes, and the others become rows")
    func rejects() async throws {
        let answer = await encoder.append(
            batch(priceMessage(1), Array("{".utf8), nil, priceMessage(2)), from: 0, room: everything)
        #expect(answer.messages == 4 && answer.end == 4 && answer.stop == nil)
        let object = try await encoder.finish(0..<4, emptyReason: nil)
        #expect(object.summary.rows == 2 && object.summary.rejected == 2)
        let letters = try object.deadLetters.map { try DeadLetter.parse(#require($0.value)) }
        #expect(letters.map(\.offset) == [1, 2])
        #expect(letters.map(\.reason) == ["not-json", "tombstone"])
        #expect(letters[0].content == .inline(key: Array("key".utf8), value: Array("{".utf8), headers: []))
        #expect(letters[1].content == .inline(key: Array("key".utf8), value: nil, headers: []))
        #expect(object.deadLetters.allSatisfy { $0.topic == DeadLetter.topic && $0.key == Array("key".utf8) })
        #expect(object.contents.count == 1)
    }

    @Test("A large message that cannot be read is kept as an object, put before the raw one")
    func storesLargeLetters() async throws {
        let large = [UInt8](repeating: 7, count: 1000)
        _ = await encoder.append(batch(large), from: 0, room: everything)
        let object = try await encoder.finish(0..<1, emptyReason: nil)
        #expect(object.summary.emptyReason == .allRejected)
        let letter = try DeadLetter.parse(#require(object.deadLetters.first?.value))
        #expect(letter.content == .stored(object: object.contents[0].key))
        let stored = try DeadLetter.parse(object.contents[0].bytes)
        #expect(stored.content == .inline(key: Array("key".utf8), value: large, headers: []))
        #expect(object.contents.count == 2)
    }

    /// The most that the log takes of one message.
    private static let logLimit = 1 << 20

    @Test("What a dead letter says of a message is short, however large a character of it is")
    func detailIsShort() async throws {
        let marks = String(repeating: "\u{301}", count: 200_000)
        let price = String(decoding: priceMessage(1), as: UTF8.self).replacing("1.5", with: "x\(marks)")
        let member = #"{"\#(marks)":1,"\#(marks)":2}"#
        for (offset, text) in [price, member].enumerated() {
            let from = Offset(offset)
            _ = await encoder.append(batch(from: from, Array(text.utf8)), from: 0, room: everything)
        }
        let object = try await encoder.finish(0..<2, emptyReason: nil)
        #expect(object.deadLetters.count == 2)
        for message in object.deadLetters {
            let letter = try DeadLetter.parse(#require(message.value))
            #expect(["wrong-type", "duplicate-key"].contains(letter.reason))
            #expect(letter.detail.utf8.count <= DeadLetter.maximumDetailBytes)
            #expect((message.value?.count ?? 0) < 10_000)
        }
    }

    @Test("A message that is short and whose letter is not, for its many headers, is kept as an object")
    func storesLettersOfManyHeaders() async throws {
        var batch = RecordBatch(source: source, startingAt: 0)
        let headers = (0..<45_000).map { _ in Header(name: "h", value: []) }
        batch.append(offset: 0, timestamp: Instant(microseconds: 0), key: nil, value: nil, headers: headers)
        let identity = PartitionEncoder.Identity(
            dataset: pricesDataset, source: source, epoch: "abcd1234", deadLetterInlineLimit: 64 << 10)
        let encoder = PartitionEncoder(identity, thread: EncoderThread(number: 0))
        _ = await encoder.append(batch, from: 0, room: everything)
        let object = try await encoder.finish(0..<1, emptyReason: nil)
        let letter = try #require(object.deadLetters.first?.value)
        #expect(letter.count < Self.logLimit)
        #expect(try DeadLetter.parse(letter).content == .stored(object: object.contents[0].key))
        #expect(
            try DeadLetter.parse(object.contents[0].bytes).content
                == .inline(
                    key: nil, value: nil, headers: headers.map { DeadLetter.Header(name: $0.name, value: $0.value) }))
    }

    @Test("An object is full once it holds as many trading days as its announcement can name")
    func fullOfDays() async throws {
        let values = (0..<Announcement.maximumDays + 2).map { number in
            let day = Day(daysSinceEpoch: 11_000 + Int32(number))
            return Array(
                String(decoding: priceMessage(number), as: UTF8.self).replacing("2026-11-21", with: "\(day)").utf8)
        }
        let all = RecordBatch(source, from: 0, values: values)
        let answer = await encoder.append(all, from: 0, room: everything)
        #expect(answer.stop == .fullOfDays && answer.next == Announcement.maximumDays)
        let object = try await encoder.finish(0..<answer.end, emptyReason: nil)
        let summary = object.summary
        let announcement = Announcement(
            bucket: "lake", key: summary.key, size: .max, sha256: summary.sha256, dataset: "prices", schemaVersion: 2,
            epoch: "abcd1234", topic: source.topic, partition: 3, start: 0, end: .max, rows: .max, rejected: .max,
            emptyReason: nil, days: summary.days, announcedAt: Instant(microseconds: 0))
        // Each day may have many more rows than here.
        #expect(announcement.json().count + summary.days.count * 18 < Self.logLimit)
        let rest = await encoder.append(all, from: answer.next, room: everything)
        #expect(rest.stop == nil && rest.end == Offset(values.count))
    }

    @Test("Short dead letters count with what they take in memory, and headers towards the object's size")
    func countsMemory() async throws {
        var batch = RecordBatch(source: source, startingAt: 0)
        let headers = [Header(name: "h", value: [1, 2])]
        for offset in 0..<10 as Range<Offset> {
            batch.append(offset: offset, timestamp: Instant(microseconds: 0), key: nil, value: nil, headers: headers)
        }
        let answer = await encoder.append(batch, from: 0, room: everything)
        #expect(answer.messageBytes == 30)
        let object = try await encoder.finish(0..<10, emptyReason: nil)
        let bytes = object.deadLetters.reduce(0) { $0 + ($1.value?.count ?? 0) }
        #expect(object.letterBytes > bytes)
        #expect(answer.heldBytes >= object.letterBytes)
    }

    @Test("What one object rejected is not told again by the next")
    func startsAnew() async throws {
        _ = await encoder.append(batch(Array("x".utf8)), from: 0, room: everything)
        _ = try await encoder.finish(0..<1, emptyReason: nil)
        let answer = await encoder.append(batch(from: 1, priceMessage(1)), from: 0, room: everything)
        #expect(answer.heldBytes > 0)
        let object = try await encoder.finish(1..<2, emptyReason: nil)
        #expect(object.summary.rows == 1 && object.summary.rejected == 0 && object.deadLetters.isEmpty)
        #expect(object.summary.emptyReason == nil)
    }

    @Test("An older version is read, in an object of its own")
    func olderVersion() async throws {
        let mixed = batch(priceMessage(1, version: 1), priceMessage(2, version: 1), priceMessage(3))
        let old = await encoder.append(mixed, from: 0, room: everything)
        #expect(old.stop == .otherVersion && old.next == 2 && old.end == 2)
        let first = try await encoder.finish(0..<2, emptyReason: nil)
        let new = await encoder.append(mixed, from: 2, room: everything)
        #expect(new.stop == nil && new.end == 3)
        let second = try await encoder.finish(2..<3, emptyReason: nil)
        #expect([first, second].map(\.summary.schemaVersion) == [1, 2])
        #expect([first, second].map(\.summary.rows) == [2, 1])
    }

    @Test("Rejected messages before the first row do not cut: the object takes its first row's version")
    func rejectedBeforeOlderVersion() async throws {
        let answer = await encoder.append(
            batch(Array("x".utf8), priceMessage(1, version: 1)), from: 0, room: everything)
        #expect(answer.stop == nil)
        let object = try await encoder.finish(0..<2, emptyReason: nil)
        #expect(object.summary.schemaVersion == 1 && object.summary.rows == 1 && object.summary.rejected == 1)
    }

    @Test("A newer version stops before its message")
    func newerVersion() async {
        let answer = await encoder.append(
            batch(from: 10, priceMessage(1), priceMessage(2, version: 3)), from: 0, room: everything)
        #expect(answer.stop == .newerVersion(3) && answer.next == 1 && answer.end == 11)
    }

    @Test("At least one message is taken, however little room there is")
    func takesOne() async {
        let answer = await encoder.append(
            batch(priceMessage(1), priceMessage(2)), from: 0, room: Room(bytes: 1, messages: nil))
        #expect(answer.messages == 1 && answer.end == 1)
    }
}
