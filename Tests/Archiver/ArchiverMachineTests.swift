import EventLog
import Lake
import MarketData
import Testing

@testable import Archiver

@Suite("Archiver: the state machine")
struct ArchiverMachineTests {
    private let first = TopicPartition(topic: Announcement.topic, partition: 0)
    private let second = TopicPartition(topic: Announcement.topic, partition: 1)
    private let settings = ArchiverSettings(
        batchCount: 4, window: .seconds(10), firstPause: .seconds(1), longestPause: .seconds(8))

    private func arrival(_ offset: Offset, of partition: TopicPartition, next: Offset? = nil) -> Arrival {
        Arrival(
            partition: partition, offset: offset, timestamp: Instant(microseconds: 0), nextOffset: next ?? offset + 1,
            key: nil, message: nil, headers: [], content: .unreadable(Refusal(.unreadable, "a test's")))
    }

    private func machine(_ positions: [TopicPartition: Offset]) -> ArchiverMachine {
        var machine = ArchiverMachine(settings: settings)
        machine.assigned(positions)
        return machine
    }

    private func offsets(_ batch: [Arrival]) -> [Offset] { batch.map(\.offset) }

    @Test("A batch is due at its count or when its oldest has waited for the window")
    func due() {
        var machine = machine([first: 0])
        #expect(machine.wait(now: .zero) == nil)
        machine.received([arrival(0, of: first), arrival(1, of: first)], now: .seconds(5))
        #expect(machine.dueBatch(now: .seconds(6)).isEmpty)
        #expect(machine.wait(now: .seconds(6)) == .seconds(9))
        #expect(offsets(machine.dueBatch(now: .seconds(15))) == [0, 1])
        machine.received([arrival(2, of: first), arrival(3, of: first), arrival(4, of: first)], now: .seconds(6))
        #expect(machine.wait(now: .seconds(6)) == .zero)
        #expect(offsets(machine.dueBatch(now: .seconds(6))) == [0, 1, 2, 3])
    }

    @Test("An advance goes from the group's position to the next one, over offsets that hold nothing")
    func advances() throws {
        var machine = machine([first: 3])
        machine.received([arrival(5, of: first, next: 8), arrival(8, of: first, next: 12)], now: .zero)
        let one = try #require(machine.advance(of: first, by: 1))
        #expect(one.start == 3 && one.end == 8)
        machine.committed(first, count: 1, now: .zero)
        let other = try #require(machine.advance(of: first, by: 1))
        #expect(other.start == 8 && other.end == 12)
        #expect(machine.advance(of: first, by: 0) == nil)
        #expect(machine.advance(of: first, by: 2) == nil)
        #expect(machine.advance(of: second, by: 1) == nil)
    }

    @Test("A partition whose position has moved past what was held is not held any more, and its next is due")
    func movedPastTheHeld() {
        var machine = machine([first: 0])
        machine.received([arrival(0, of: first), arrival(1, of: first)], now: .zero)
        machine.hold(first, reason: "no answer", now: .zero)
        machine.moved(first, to: 1)
        #expect(machine.held.isEmpty)
        #expect(offsets(machine.dueBatch(now: .seconds(10))) == [1])
    }

    @Test("A held partition is tried again after pauses that double up to the longest; the others go on")
    func holds() {
        var machine = machine([first: 0, second: 0])
        machine.received((0..<4).map { arrival($0, of: first) } + (0..<4).map { arrival($0, of: second) }, now: .zero)
        var now = Duration.zero
        for pause in [1, 2, 4, 8, 8, 8] {
            machine.hold(first, reason: "store", now: now)
            #expect(machine.held == [first: "store"])
            #expect(machine.dueBatch(now: now).allSatisfy { $0.partition == second })
            now += .seconds(pause)
            #expect(machine.dueBatch(now: now - .milliseconds(1)).allSatisfy { $0.partition == second })
            #expect(machine.dueBatch(now: now).contains { $0.partition == first })
        }
        machine.committed(first, count: 1, now: now)
        #expect(machine.held.isEmpty)
        machine.hold(first, reason: "again", now: now)
        machine.committed(second, count: 4, now: now)
        #expect(machine.wait(now: now) == .seconds(1))
    }

    @Test("The partition that has waited longest comes first")
    func fair() {
        var machine = machine([first: 0, second: 0])
        machine.received((0..<8).map { arrival($0, of: first) }, now: .zero)
        machine.received((0..<4).map { arrival($0, of: second) }, now: .seconds(1))
        #expect(machine.dueBatch(now: .seconds(1)).allSatisfy { $0.partition == first })
        machine.committed(first, count: 4, now: .seconds(2))
        #expect(machine.dueBatch(now: .seconds(2)).allSatisfy { $0.partition == second })
    }

    @Test("What waits of a partition that is gone is forgotten, and what still comes of it is ignored")
    func drops() {
        var machine = machine([first: 0])
        machine.received([arrival(0, of: first)], now: .zero)
        machine.dropped([first])
        machine.received([arrival(1, of: first)], now: .zero)
        machine.hold(first, reason: "late", now: .zero)
        machine.drain()
        #expect(machine.dueBatch(now: .seconds(60)).isEmpty)
        #expect(machine.held.isEmpty)
        machine.assigned([first: 1])
        machine.received([arrival(1, of: first)], now: .zero)
        #expect(offsets(machine.dueBatch(now: .zero)) == [1])
    }

    @Test("Where the group's position turns out to be further, what lies before it is done")
    func moves() throws {
        var machine = machine([first: 0])
        machine.received((0..<4).map { arrival($0, of: first) }, now: .zero)
        machine.moved(first, to: 3)
        #expect(offsets(machine.dueBatch(now: .seconds(60))) == [3])
        #expect(try #require(machine.advance(of: first, by: 1)).start == 3)
    }

    @Test("A drain makes everything due, tries what is held once more, and ends where only held ones are left")
    func drains() {
        var machine = machine([first: 0, second: 0])
        #expect(!machine.hasReached([first: 1, second: 0]))
        machine.received([arrival(0, of: first), arrival(0, of: second)], now: .zero)
        machine.hold(first, reason: "store", now: .zero)
        machine.drain()
        #expect(machine.dueBatch(now: .zero).count == 2)
        machine.hold(first, reason: "store", now: .zero)
        machine.committed(second, count: 1, now: .zero)
        #expect(machine.dueBatch(now: .zero).isEmpty)
        #expect(!machine.hasReached([first: 1, second: 2]))
        #expect(machine.hasReached([first: 1, second: 1]))
        #expect(!ArchiverMachine(settings: settings).hasReached([:]))
    }

    @Test("A partition of which ten batches wait is to be read no further")
    func overfull() {
        var machine = machine([first: 0, second: 0])
        machine.received((0..<39).map { arrival($0, of: first) }, now: .zero)
        #expect(machine.overfull.isEmpty)
        machine.received([arrival(39, of: first)], now: .zero)
        #expect(machine.overfull == [first])
        machine.committed(first, count: 4, now: .zero)
        #expect(machine.overfull.isEmpty)
    }

    @Test("A partition is read to its end once its last message waits, or is done, or more of it waits than is taken")
    func readToTheEnd() {
        var machine = machine([first: 0, second: 7])
        #expect(!machine.hasRead([first: 2, second: 7]))
        machine.received([arrival(0, of: first)], now: .zero)
        #expect(!machine.hasRead([first: 2, second: 7]))
        machine.received([arrival(1, of: first)], now: .zero)
        #expect(machine.hasRead([first: 2, second: 7]))
        #expect(!machine.hasRead([first: 2]))
        machine.received((2..<40).map { arrival($0, of: first) }, now: .zero)
        #expect(machine.hasRead([first: 100, second: 7]))
        #expect(!ArchiverMachine(settings: settings).hasRead([:]))
    }

    @Test("Settings that cannot be are each named")
    func settingsFaults() {
        #expect(ArchiverSettings().faults.isEmpty)
        let wrong = ArchiverSettings(
            instance: "", batchCount: 0, window: .seconds(61), concurrentCopies: 0, copyBytes: 0, firstPause: .zero)
        #expect(wrong.faults.count == 6)
    }
}
