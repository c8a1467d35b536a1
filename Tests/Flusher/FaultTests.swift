import EventLog
import Lake
import MarketData
import Runtime
import Synchronization
import Testing

@testable import Flusher

@Suite("Flusher: faults at every step", .timeLimit(.minutes(5)))
struct FaultTests {
    static let steps = [Moment.Call.put, .commit].flatMap { call in
        Moment.Side.allCases.map { Moment(call: call, side: $0) }
    }

    /// Readable messages of both versions with some that cannot be read among them.
    private static let values: [[UInt8]?] = (0..<80).map { number in
        number % 9 == 4 ? Array("unreadable \(number)".utf8) : priceMessage(number, version: number < 40 ? 1 : 2)
    }

    @Test(
        "A process that dies before or after a put or a commit: its successor lands everything once",
        arguments: steps, [1, 2, 4])
    func dies(moment: Moment, number: Int) async throws {
        try await Landing.with { landing in
            try await landing.append(Self.values)
            let death = Death(atNumber: number) { $0 == moment }
            let failure = try await landing.liveUntilAllIsCommitted(Landing.Life(fault: death))
            // How many puts and commits there are depends on what was ready together; one of each there always is.
            #expect(death.isDead || number > 1)
            #expect(death.isDead == (failure != nil))
            #expect(try await landing.liveUntilAllIsCommitted() == nil)
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("A process that dies at any call, whichever: its successor lands everything once", arguments: 1...30)
    func diesAtAnyCall(number: Int) async throws {
        try await Landing.with { landing in
            try await landing.append(Self.values)
            let death = Death(atNumber: number * 2) { _ in true }
            try await landing.liveUntilAllIsCommitted(Landing.Life(fault: death))
            try await landing.liveUntilAllIsCommitted()
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("What a dead process had put and not announced is an orphan, and stays one or is announced by its successor")
    func orphans() async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.appendPrices(0..<20)
            // The first that is put is the partition's beginning.
            let death = Death(atNumber: 2) { $0 == Moment(call: .put, side: .after) }
            try await landing.liveUntilAllIsCommitted(Landing.Life(fault: death))
            // One, or more: how many batches the reads were cut into is a matter of time.
            #expect(try await !landing.objects().isEmpty)
            #expect(try await landing.announcements().isEmpty)
            try await landing.liveUntilAllIsCommitted()
            try await landing.expectEverythingLandedOnce()
            let announced = Set(try await landing.announcements().map(\.key))
            let end = try #require(try await landing.committed().values.first)
            for key in try await landing.objects() where !announced.contains(key) {
                #expect(try #require(RawObjectName(key: key)).start < end)
            }
        }
    }

    @Test(
        "A put or a commit that is refused, or whose answer is lost, is tried again until it succeeds",
        arguments: steps, [LogError.Kind.busy, .cannotWrite, .other])
    func refuses(moment: Moment, kind: LogError.Kind) async throws {
        try await Landing.with { landing in
            try await landing.append(Self.values)
            let pauses = Mutex<[Duration]>([])
            var life = Landing.Life(fault: Refusal(moment, times: 6, kind: kind))
            life.onPause = { pause in
                pauses.withLock { $0.append(pause) }
                await Task.yield()
            }
            #expect(try await landing.liveUntilAllIsCommitted(life) == nil)
            try await landing.expectEverythingLandedOnce()
            #expect(!pauses.withLock { $0.isEmpty })
        }
    }

    @Test("A log that cannot be joined or read for a while is tried again", arguments: [Moment.Call.join, .next])
    func refusesToRead(call: Moment.Call) async throws {
        try await Landing.with { landing in
            try await landing.append(Self.values)
            let life = Landing.Life(fault: Refusal(Moment(call: call, side: .before), times: 4))
            #expect(try await landing.liveUntilAllIsCommitted(life) == nil)
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("A flusher that stops with an error does not go on reading a log that refuses")
    func stopsReading() async throws {
        try await Landing.with { landing in
            try await landing.append(Self.values)
            let pauses = Mutex(0)
            var life = Landing.Life(fault: Breakdown())
            let shutdown = life.shutdown
            life.onPause = { _ in
                let isTooMany = pauses.withLock { pauses in
                    if Task.isCancelled { pauses += 1 }
                    return pauses > 100
                }
                if isTooMany { shutdown.request() }
                await Task.yield()
            }
            let failure = try await landing.live(life) { _ in false }
            #expect((failure as? LogError)?.kind == .corrupt)
            #expect(pauses.withLock { $0 } <= 1)
        }
    }

    @Test("While the store refuses, memory stays bounded and nothing is read that cannot be held")
    func refusesWhileMuchComes() async throws {
        try await Landing.with { landing in
            let note = String(repeating: "n", count: 40_000)
            try await landing.append(
                (0..<200).map { number in
                    // Text that does not compress.
                    let random = String((0..<200).map { _ in Character(UnicodeScalar(UInt8.random(in: 97...122))) })
                    let message = String(decoding: priceMessage(number), as: UTF8.self)
                    return Array(message.replacing(#""symbol""#, with: #""note":"\#(random)\#(note)","symbol""#).utf8)
                })
            let metrics = Metrics()
            let most = Mutex(0.0)
            var life = Landing.Life(
                trigger: BatchTrigger(size: 1 << 20, interval: .zero), memoryLimit: 1 << 20,
                fault: Refusal(Moment(call: .put, side: .before), times: 40), metrics: metrics)
            life.onPause = { _ in
                most.withLock { $0 = max($0, metrics.gauge("pregao_flusher_buffered_bytes")) }
                await Task.yield()
            }
            #expect(try await landing.liveUntilAllIsCommitted(life) == nil)
            try await landing.expectEverythingLandedOnce()
            #expect(most.withLock { $0 } > 0)
            #expect(most.withLock { $0 } <= Double(1 << 20 + 50_000))
        }
    }

    @Test("Other bytes under an object's name: an error, and it is never announced")
    func otherBytes() async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.appendPrices(0..<7)
            // A first life that puts and dies tells what the object is called.
            let death = Death { $0 == Moment(call: .commit, side: .before) }
            try await landing.liveUntilAllIsCommitted(Landing.Life(fault: death))
            let key = try #require(try await landing.objects().first)
            let right = try await landing.store.read(key)
            try await landing.store.remove(key)
            try await landing.store.put([1, 2, 3], at: key)
            let errors = Mutex(0)
            var life = Landing.Life()
            life.lines = { line in if line.contains("level=error") { errors.withLock { $0 += 1 } } }
            let shutdown = life.shutdown
            life.onPause = { _ in shutdown.request() }
            #expect(try await landing.liveUntilAllIsCommitted(life) == nil)
            #expect(errors.withLock { $0 } > 0)
            #expect(try await landing.announcements().isEmpty)
            // Once it is mended, it lands.
            try await landing.store.remove(key)
            try await landing.store.put(right, at: key)
            try await landing.liveUntilAllIsCommitted()
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test(
        "A flusher that is frozen, loses its partitions and wakes announces nothing that its successor has",
        arguments: [Moment(call: .put, side: .before), Moment(call: .commit, side: .before)])
    func frozen(moment: Moment) async throws {
        try await Landing.with { landing in
            try await landing.append(Self.values)
            let freeze = Freeze(moment)
            let fenced = Metrics()
            // The frozen one's clock stands; the other's is an hour ahead, so that the lease has run out.
            let frozen = Landing.Life(
                instance: "frozen", fault: freeze, leaseClock: FixedLeaseClock(microseconds: 0), metrics: fenced)
            let count = Int64(landing.count)
            async let failure = landing.live(frozen) { _ in false }
            await freeze.began.opened()
            let other = Landing.Life(
                instance: "other", leaseClock: FixedLeaseClock(microseconds: 3_600_000_000))
            #expect(try await landing.live(other) { $0.values.reduce(0, +) >= count } == nil)
            freeze.end.open()
            frozen.shutdown.request()
            #expect(try await failure == nil)
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("A second flusher that comes is given partitions once they were flushed, and everything lands once")
    func rebalance() async throws {
        try await Landing.with(partitions: 4) { landing in
            try await landing.append(Self.values)
            let gaveUp = Passing(Moment(call: .release, side: .after))
            let trigger = BatchTrigger(interval: .milliseconds(20))
            let first = Landing.Life(instance: "a", trigger: trigger, fault: gaveUp)
            let second = Landing.Life(instance: "b", trigger: trigger)
            let began = Gate()
            async let one = landing.live(first) { _ in
                began.open()
                return false
            }
            await began.opened()
            async let other = landing.live(second) { _ in false }
            await gaveUp.gate.opened()
            try await landing.append(Self.values)
            try await landing.untilCommitted(Int64(landing.count))
            first.shutdown.request()
            second.shutdown.request()
            #expect(try await one == nil)
            #expect(try await other == nil)
            try await landing.expectEverythingLandedOnce()
            #expect(first.metrics.counter("pregao_flusher_objects_total") > 0)
            #expect(second.metrics.counter("pregao_flusher_objects_total") > 0)
        }
    }

    @Test("An instance that is started twice stops where it ran first, with an error")
    func startedTwice() async throws {
        try await Landing.with { landing in
            try await landing.append(Self.values)
            let began = Gate()
            async let first = landing.live { _ in
                began.open()
                return false
            }
            await began.opened()
            let second = Landing.Life()
            async let other = landing.live(second) { _ in false }
            #expect((try await first as? LogError)?.kind == .fenced)
            try await landing.untilCommitted(Int64(landing.count))
            second.shutdown.request()
            #expect(try await other == nil)
            try await landing.expectEverythingLandedOnce()
        }
    }
}

/// A clock that stands.
struct FixedLeaseClock: LeaseClock {
    let microseconds: Int64

    func now() -> LeaseTime { LeaseTime(boot: "boot", microseconds: microseconds) }
}

extension Landing {
    /// Follows the announcements until they cover `count` messages.
    func untilCommitted(_ count: Int64) async throws {
        let log = try await openLog()
        let consumer = try await log.join(group: "test", instance: "test", topics: [Announcement.topic])
        var covered: Int64 = 0
        while covered < count {
            guard case .records(let batch)? = try await consumer.next(waitingAtMost: .seconds(10)) else { continue }
            for record in batch.records {
                for announcement in try Announcement.parse(batch.value(of: record) ?? []) {
                    covered += announcement.end - announcement.start
                }
            }
        }
        await consumer.leave()
        await log.close()
    }
}

extension Metrics {
    /// A gauge's sum over its labels.
    func gauge(_ name: String) -> Double {
        snapshot().reduce(0) { sum, entry in
            guard entry.series.name == name, case .gauge(let value) = entry.figure else { return sum }
            return sum + value
        }
    }
}
