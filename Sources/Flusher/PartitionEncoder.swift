import EventLog
import Lake
import MarketData
import Runtime

/// Encodes one partition's records, as they arrive, into the columns of its open object.
actor PartitionEncoder {
    /// What every object of the partition bears.
    struct Identity: Sendable {
        let dataset: Dataset
        let source: TopicPartition
        let epoch: String
        let deadLetterInlineLimit: Int
    }

    private let identity: Identity
    private let thread: EncoderThread
    private var encoder: RawFileEncoder?
    /// The open object's.
    private var version: Int
    private var firstTimestamp: Instant?
    /// Of the last message that was read, whatever object it is in.
    private var lastTimestamp: Instant?
    private var rejected: [OutgoingMessage] = []
    private var rejectedBytes = 0
    private var storedLetters: [(key: String, bytes: [UInt8])] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    init(_ identity: Identity, thread: EncoderThread) {
        self.identity = identity
        self.thread = thread
        version = identity.dataset.version
    }

    /// Takes records from `index` on while there is room, at least one, up to one that must not share the object.
    func append(_ batch: RecordBatch, from index: Int, room: Room) -> Appended {
        var encoder = self.encoder.take() ?? newEncoder()
        var next = index
        var bytes = 0
        var stop: Appended.Stop?
        let limit = min(batch.records.count, room.messages.map { index + max(1, $0) } ?? .max)
        while next < limit, next == index || bytes < room.bytes {
            let record = batch.records[next]
            stop = take(record, of: batch, into: &encoder)
            if stop != nil { break }
            bytes += record.byteCount
            next += 1
            if encoder.days >= Announcement.maximumDays {
                stop = .fullOfDays
                break
            }
        }
        encoder.forgetLargeMessages()
        let heldBytes = encoder.byteCount + rejectedBytes
        self.encoder = consume encoder
        let end = next < batch.records.count ? batch.records[next].offset : batch.nextOffset
        return Appended(
            next: next, end: end, messages: next - index, messageBytes: bytes, heldBytes: heldBytes, stop: stop)
    }

    private func take(_ record: RecordBatch.Record, of batch: RecordBatch, into encoder: inout RawFileEncoder)
        -> Appended.Stop?
    {
        while true {
            switch batch.withValue(of: record, { encoder.append($0, offset: record.offset) }) {
            case .accepted: break
            case .rejected(let reason, let detail):
                reject(record, of: batch, reason: reason.rawValue, detail: detail)
            case .newerVersion(let newer): return .newerVersion(newer)
            case .otherVersion(let other):
                guard encoder.rows == 0 else { return .otherVersion }
                // Without a row the object has no version yet: it takes that of its first.
                version = other
                encoder = newEncoder()
                continue
            }
            if firstTimestamp == nil { firstTimestamp = record.timestamp }
            lastTimestamp = record.timestamp
            return nil
        }
    }

    private func newEncoder() -> RawFileEncoder {
        RawFileEncoder(dataset: identity.dataset, version: version, partition: identity.source.partition)
    }

    private func reject(_ record: RecordBatch.Record, of batch: RecordBatch, reason: String, detail: String) {
        let key = batch.key(of: record)
        let headers = record.headers.map { DeadLetter.Header(name: $0.name, value: $0.value) }
        let letter = DeadLetter(
            topic: batch.source.topic, partition: batch.source.partition, offset: record.offset,
            epoch: identity.epoch, timestamp: record.timestamp, reason: reason, detail: detail,
            content: .inline(key: key, value: batch.value(of: record), headers: headers))
        // Not the message's length: what many short headers come to as JSON is many times theirs.
        var json = letter.json()
        if json.count > identity.deadLetterInlineLimit {
            let stored = letter.stored(epoch: identity.epoch)
            json = stored.letter.json()
            storedLetters.append((stored.key, stored.bytes))
            rejectedBytes += stored.bytes.count
        }
        // A large key would make the letter as large again; it is in the stored object.
        let isSmall = (key?.count ?? 0) <= identity.deadLetterInlineLimit
        let message = OutgoingMessage(topic: DeadLetter.topic, key: isSmall ? key : nil, value: json)
        rejected.append(message)
        rejectedBytes += message.memoryBytes
    }

    /// Closes the open object over `range`, and begins the next with what comes after it.
    ///
    /// The day in its name is the UTC day of the range's first message; a range without any bears 1970-01-01, the same
    /// whoever flushes it, whenever.
    ///
    /// - Parameter keptSince: of a range that retention took: when the log took the first message behind it.
    func finish(_ range: Range<Offset>, emptyReason: EmptyReason?, keptSince: Instant? = nil) throws -> FinishedObject {
        let encoder = encoder.take() ?? newEncoder()
        let file = try encoder.finish(range: range, topic: identity.source.topic, epoch: identity.epoch)
        let day = firstTimestamp?.utcDay ?? Day(daysSinceEpoch: 0)
        let name = RawObjectName(
            dataset: identity.dataset.name, day: day, topic: identity.source.topic, epoch: identity.epoch,
            partition: identity.source.partition, start: range.lowerBound, end: range.upperBound, sha256: file.sha256)
        var summary = ObjectSummary(
            key: name.key, size: file.bytes.count, sha256: file.sha256, schemaVersion: file.schemaVersion,
            rows: Int(file.rows), rejected: rejected.count,
            emptyReason: file.rows > 0 ? nil : emptyReason ?? .allRejected, days: file.days)
        if emptyReason == .lostToRetention {
            summary.lostAfter = lastTimestamp
            summary.lostBefore = keptSince
        }
        let beginning =
            range.lowerBound == 0
            ? PartitionBeginning(source: identity.source, epoch: identity.epoch, firstMessage: firstTimestamp) : nil
        let object = FinishedObject(
            range: range, summary: summary, beginning: beginning, contents: storedLetters + [(name.key, file.bytes)],
            deadLetters: rejected)
        startAnew()
        Waypoint.flusherEncoded.reached()
        return object
    }

    private func startAnew() {
        firstTimestamp = nil
        rejected = []
        rejectedBytes = 0
        storedLetters = []
        // Until a message tells otherwise, an object is of the newest version: so is one without a row.
        version = identity.dataset.version
    }
}

extension OutgoingMessage {
    /// What it holds in memory, roughly.
    var memoryBytes: Int { (key?.count ?? 0) + (value?.count ?? 0) + 128 }
}
