import CRdKafka
import EventLog

/// Reads partitions without a group, one at a time. It stays where a read ended, so that one that goes on there finds
/// what was read ahead. Each call blocks; all are made by one thread.
final class Cursor {
    private struct Open {
        let source: TopicPartition
        let topic: OpaquePointer
        let queue: PartitionQueue
        var next: Offset
        /// Read, but not yet given.
        var held: ArraySlice<UnsafeMutablePointer<rd_kafka_message_t>> = []
    }

    private let client: Client
    private let directory: TopicDirectory
    private let written: OwnWrites
    private let timeout: Duration
    private let readAheadBytes: Int
    private let reminder: FetchReminder?
    private var open: Open?
    private var messages = [UnsafeMutablePointer<rd_kafka_message_t>?](repeating: nil, count: 512)

    init(_ client: Client, _ directory: TopicDirectory, _ written: OwnWrites, _ settings: KafkaLogSettings) {
        self.client = client
        self.directory = directory
        self.written = written
        timeout = settings.requestTimeout
        readAheadBytes = settings.readAheadBytes
        reminder = FetchReminder(client)
    }

    deinit { close() }

    func read(_ source: TopicPartition, from start: Offset, to end: Offset, maximumBytes: Int) throws(KafkaFault)
        -> RecordBatch
    {
        guard source.partition < (try directory.partitions(of: source.topic)), source.partition >= 0 else {
            throw KafkaFault(.unknownTopic, "\(source.topic) has no partition \(source.partition)")
        }
        var start = start
        if open?.source != source || open?.next != start {
            close()
            let marks = try written.watermarks(of: source, by: client, patience: timeout)
            start = max(start, min(marks.start, end))
            guard start < min(marks.end, end) else { return RecordBatch(source: source, startingAt: start) }
            try begin(source, at: start)
        }
        var batch = RecordBatch(source: source, startingAt: start)
        do throws(KafkaFault) { try fill(&batch, to: end, maximumBytes: maximumBytes) } catch {
            close()
            throw error
        }
        open?.next = batch.nextOffset
        return batch
    }

    /// Goes on at the first kept offset where retention has taken what was to be read next.
    private func skipWhatIsGone(_ batch: inout RecordBatch, to end: Offset) throws(KafkaFault) {
        close()
        let marks = try written.watermarks(of: batch.source, by: client, patience: timeout)
        batch.nextOffset = max(batch.nextOffset, min(marks.start, end))
        if batch.nextOffset < min(marks.end, end) { try begin(batch.source, at: batch.nextOffset) }
    }

    private func fill(_ batch: inout RecordBatch, to end: Offset, maximumBytes: Int) throws(KafkaFault) {
        var deadline = ContinuousClock.now + timeout
        let maximumRecords = RecordBatch.maximumRecords(ofBytes: maximumBytes)
        while batch.nextOffset < end, open != nil {
            guard let message = nextMessage() else {
                guard ContinuousClock.now < deadline else { throw KafkaFault(RD_KAFKA_RESP_ERR__TIMED_OUT) }
                continue
            }
            deadline = ContinuousClock.now + timeout
            let read = message.pointee
            guard read.err == RD_KAFKA_RESP_ERR_NO_ERROR else {
                rd_kafka_message_destroy(message)
                if read.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET {
                    // What was read before it is given first.
                    guard batch.records.isEmpty else { return close() }
                    try skipWhatIsGone(&batch, to: end)
                    continue
                }
                guard read.err == RD_KAFKA_RESP_ERR__PARTITION_EOF else { throw KafkaFault(read.err) }
                batch.nextOffset = max(batch.nextOffset, min(end, read.offset))
                // It was the end when it was read, which may be a while ago.
                let last = try written.watermarks(of: batch.source, by: client, patience: timeout).end
                if read.offset < min(last, end) { continue }
                // The end is told once only.
                close()
                return
            }
            if read.offset >= end {
                putBack(message)
                batch.nextOffset = end
                return
            }
            let headers = RecordBatch.headers(of: message)
            let bytes = read.key_len + read.len + headers.byteCount
            let isFull = batch.byteCount + bytes > maximumBytes || batch.records.count >= maximumRecords
            if isFull, !batch.records.isEmpty {
                putBack(message)
                return
            }
            batch.append(message, headers: headers)
            rd_kafka_message_destroy(message)
        }
    }

    private func nextMessage() -> UnsafeMutablePointer<rd_kafka_message_t>? {
        if open?.held.isEmpty ?? false { fetch() }
        return open?.held.popFirst()
    }

    private func putBack(_ message: UnsafeMutablePointer<rd_kafka_message_t>) {
        guard let held = open?.held else { return }
        open?.held = [message] + held
    }

    private func fetch() {
        guard let open else { return }
        let waiting = open.queue.count
        let count = rd_kafka_consume_batch_queue(open.queue.pointer, 100, &messages, messages.count)
        guard count > 0 else {
            // Empty for a tenth of a second: librdkafka may sleep.
            reminder?.remind(of: open.source)
            return
        }
        self.open?.held = messages[..<count].compactMap(\.self)[...]
        if let reminder, open.queue.needsFetch(before: waiting, after: open.queue.count, readAheadBytes: readAheadBytes)
        {
            reminder.remind(of: open.source)
        }
    }

    private func begin(_ source: TopicPartition, at start: Offset) throws(KafkaFault) {
        guard let topic = rd_kafka_topic_new(client.pointer, source.topic, nil) else {
            throw KafkaFault(rd_kafka_last_error())
        }
        guard let queue = PartitionQueue(rd_kafka_queue_new(client.pointer), telling: nil),
            rd_kafka_consume_start_queue(topic, source.partition, start, queue.pointer) == 0
        else {
            let fault = KafkaFault(rd_kafka_last_error())
            rd_kafka_topic_destroy(topic)
            throw fault
        }
        open = Open(source: source, topic: topic, queue: queue, next: start)
    }

    private func close() {
        guard let open else { return }
        for message in open.held { rd_kafka_message_destroy(message) }
        rd_kafka_consume_stop(open.topic, open.source.partition)
        rd_kafka_topic_destroy(open.topic)
        self.open = nil
    }
}
