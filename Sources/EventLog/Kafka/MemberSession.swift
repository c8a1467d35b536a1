import CRdKafka
import Dispatch
import EventLog
import Foundation
import Synchronization

/// What a member's thread has: the queues of its partitions, and assignments that it has yet to take up.
struct MemberSession {
    private let member: Member
    private let settings: KafkaLogSettings
    private let client: OpaquePointer
    private let context: ClientContext
    private let events: PartitionQueue?
    private let reminder: FetchReminder?
    private var queues: [TopicPartition: PartitionQueue] = [:]
    private var assigning = PendingAssignments()
    /// What librdkafka was told to read: of anything else it refuses to take back even what it was told.
    private var assigned: Set<TopicPartition> = []
    /// The consumer can do nothing any more.
    private var hasFailed = false
    /// What was lost to retention, to be gone on behind as soon as the group waits for nothing.
    private var toReset: Set<TopicPartition> = []
    /// A request made while the group waits; what it cannot do in this time is asked again.
    private let patience: Int32 = 5000

    init(_ member: Member, _ settings: KafkaLogSettings) {
        self.member = member
        self.settings = settings
        client = member.consumer.pointer
        context = member.consumer.context
        reminder = FetchReminder(member.consumer)
        events = PartitionQueue(rd_kafka_queue_get_consumer(client), telling: context)
    }

    mutating func run() {
        while member.machine.withLock({ $0.end }) == nil {
            serveGroup()
            takeUpAssignments()
            giveBack()
            takeUpAbandoned()
            resetPartitions()
            readPartitions()
            _ = context.news.wait(timeout: .now() + .milliseconds(100))
        }
        close()
    }

    // MARK: The group

    private mutating func serveGroup() {
        // Rebalances call back from here. Records have queues of their own.
        while let message = rd_kafka_consumer_poll(client, 0) {
            if message.pointee.err != RD_KAFKA_RESP_ERR__PARTITION_EOF { note(message.pointee.err) }
            rd_kafka_message_destroy(message)
        }
        for rebalance in context.takeRebalances() {
            if rebalance.isAssignment {
                assigning.add(rebalance.partitions, mustAnswer: true)
            } else if rebalance.isLoss {
                tell { $0.lost(rebalance.partitions) }
                unassign(rebalance.partitions)
            } else {
                tell { $0.revoking(rebalance.partitions) }
                if rebalance.partitions.isEmpty { unassign([]) }
            }
        }
        if let fault = context.takeFault() ?? fatalFault() {
            if fault.isFatal || fault.kind == .fenced {
                hasFailed = true
                tell { $0.end(.fenced(fault.cause)) }
            } else {
                tell { $0.fail(fault) }
            }
        }
    }

    /// Another thread may have taken it for its own.
    private func fatalFault() -> KafkaFault? { hasFailed ? nil : KafkaFault(fatalOf: client) }

    private func note(_ code: rd_kafka_resp_err_t) {
        let fault = KafkaFault(code)
        // A fatal error is told with its reason by the error callback.
        let isTold = [RD_KAFKA_RESP_ERR__FATAL, RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED].contains(code)
        guard fault.kind != .busy, !isTold else { return }
        tell { $0.fail(fault) }
    }

    /// Takes up what has a position that can be read now. The group is answered at once, be it with nothing: it, and every
    /// partition of this member, waits for that. The rest is asked for again.
    private mutating func takeUpAssignments() {
        guard assigning.isDue(at: .now), assigning.isAnswerDue || mayChangeAssignment else { return }
        // That a partition has no leader is not asked again by itself.
        if assigning.tries > 0 { member.consumer.refreshMetadata() }
        let starts = StartingPositions(
            of: assigning.partitions, by: member.consumer, patience: assigning.isAnswerDue ? patience : patience / 5)
        let known = starts.known
        if assigning.isAnswerDue || !known.isEmpty { assign(known) }
        assigning.isAnswered()
        assigning.remove(known.keys)
        let memberID = member.consumer.memberID
        tell { $0.assigned(known, neverCommitted: Set(starts.first.keys), as: memberID) }
        guard let fault = starts.fault else { return }
        assigning.failed(at: .now)
        settings.report?(4, fault.cause)
        if assigning.tries >= PendingAssignments.patientTries { tell { $0.fail(fault) } }
    }

    /// librdkafka takes any change for the answer to what it asked to be given back, or that nothing was lost.
    private var mayChangeAssignment: Bool {
        !member.machine.withLock { $0.isGivingBack } && rd_kafka_assignment_lost(client) == 0
    }

    private mutating func assign(_ positions: [TopicPartition: Offset]) {
        for partition in positions.keys {
            let queue = rd_kafka_queue_get_partition(client, partition.topic, partition.partition)
            // Each partition is read by itself: records of one that waits do not hold up rebalances, nor others.
            rd_kafka_queue_forward(queue, nil)
            queues[partition] = PartitionQueue(queue, telling: context)
        }
        let list = PartitionList(positions)
        if succeeded(rd_kafka_incremental_assign(client, list.pointer)) { assigned.formUnion(positions.keys) }
    }

    private mutating func unassign(_ partitions: Set<TopicPartition>) {
        for partition in partitions { queues[partition] = nil }
        assigning.remove(partitions)
        let list = PartitionList(partitions.intersection(assigned))
        assigned.subtract(partitions)
        guard !succeeded(rd_kafka_incremental_unassign(client, list.pointer)) else { return }
        // The group waits for an answer all the same.
        let nothing = PartitionList([TopicPartition]())
        _ = succeeded(rd_kafka_incremental_unassign(client, nothing.pointer))
    }

    private mutating func giveBack() {
        if let released = member.machine.withLock({ $0.takeReleased() }) { unassign(released) }
        // Kicked out of the group while the caller flushes: the group says so only here.
        guard member.machine.withLock({ $0.isGivingBack }), rd_kafka_assignment_lost(client) != 0 else { return }
        let lost = member.machine.withLock { $0.loseRevoked() }
        member.signal.raise()
        unassign(lost)
    }

    private mutating func takeUpAbandoned() {
        guard mayChangeAssignment else { return }
        let abandoned = member.machine.withLock { $0.takeAbandoned() }.intersection(assigned)
        guard !abandoned.isEmpty else { return }
        unassign(abandoned)
        assigning.add(abandoned, mustAnswer: false)
        member.wake()
    }

    private func succeeded(_ error: OpaquePointer?) -> Bool {
        guard let error else { return true }
        settings.report?(4, KafkaFault(consuming: error).cause)
        return false
    }

    private func tell(_ change: (inout MemberMachine) -> Void) {
        member.machine.withLock { change(&$0) }
        member.signal.raise()
    }

    /// Leaves the group: what is revoked now is given back at once.
    private mutating func close() {
        // See there; most often it comes within a heartbeat of the others.
        let deadline = ContinuousClock.now + .seconds(5)
        while context.awaitsFirstAssignment, !hasFailed, ContinuousClock.now < deadline {
            serveGroup()
            _ = context.news.wait(timeout: .now() + .milliseconds(20))
        }
        context.beginClosing()
        queues = [:]
        if assigning.isAnswerDue { assign([:]) }
        let revoked = member.machine.withLock { $0.loseRevoked() }
        if !revoked.isEmpty { unassign(revoked) }
        leave()
    }

    /// Leaves the group within a bounded time: librdkafka before 2.2 may wait for ever for the end of a rebalance that
    /// meets it ("consumer_close hangs", its issue 4527).
    private func leave() {
        let (consumer, ended) = (member.consumer, DispatchSemaphore(value: 0))
        Thread.detachNewThread {
            rd_kafka_consumer_close(consumer.pointer)
            ended.signal()
        }
        let limit = max(settings.sessionTimeout, .seconds(10))
        guard ended.wait(timeout: .now() + .milliseconds(Int(limit.inMilliseconds))) == .timedOut else { return }
        settings.report?(4, "the group does not let this member go; it misses it a session later")
        context.keepClient()
    }

    // MARK: Records

    private mutating func readPartitions() {
        for partition in member.machine.withLock({ $0.wanted }) {
            guard let queue = queues[partition], let next = member.machine.withLock({ $0.nextOffset(of: partition) })
            else { continue }
            let waiting = queue.count
            var batch = RecordBatch(source: partition, startingAt: next)
            let isReset = read(queue, into: &batch, waiting: waiting)
            if batch.nextOffset > next { tell { $0.take(batch) } }
            queue.learn(from: batch)
            if isReset {
                toReset.insert(partition)
            } else if let reminder,
                queue.needsFetch(before: waiting, after: queue.count, readAheadBytes: settings.readAheadBytes)
            {
                reminder.remind(of: partition)
            }
        }
    }

    /// - Returns: whether the cluster has not what is to be read next.
    private mutating func read(_ queue: PartitionQueue, into batch: inout RecordBatch, waiting: Int) -> Bool {
        let maximumRecords = RecordBatch.maximumRecords(ofBytes: settings.fetchBytes)
        let expected = min(waiting, maximumRecords, settings.fetchBytes / queue.messageBytes + 1)
        batch.reserve(records: expected, bytes: expected * queue.messageBytes)
        var isReset = false
        while batch.byteCount < settings.fetchBytes, batch.records.count < maximumRecords, !isReset {
            // One by one: before 2.1, a call for several loses those it has taken where a rebalance has the partition
            // paused meanwhile ("some of the messages might be lost", says librdkafka's list of changes).
            guard let message = rd_kafka_consume_queue(queue.pointer, 0) else { break }
            queue.isAtEnd = message.pointee.err == RD_KAFKA_RESP_ERR__PARTITION_EOF
            isReset = take(message, into: &batch)
            rd_kafka_message_destroy(message)
        }
        return isReset
    }

    /// - Returns: whether the cluster has not what is to be read next.
    private func take(_ message: UnsafeMutablePointer<rd_kafka_message_t>, into batch: inout RecordBatch) -> Bool {
        let read = message.pointee
        switch read.err {
        case RD_KAFKA_RESP_ERR_NO_ERROR:
            // Left in the queue from before it was assigned anew.
            if read.offset >= batch.nextOffset { batch.append(message, headers: RecordBatch.headers(of: message)) }
        case RD_KAFKA_RESP_ERR__PARTITION_EOF:
            // The end lies past the markers of transactions, which are no messages.
            batch.nextOffset = max(batch.nextOffset, read.offset)
        case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: return true
        default: note(read.err)
        }
        return false
    }

    private mutating func resetPartitions() {
        guard !toReset.isEmpty, !assigning.isAnswerDue, mayChangeAssignment else { return }
        for partition in toReset { reset(partition) }
        toReset = []
    }

    /// Goes on at the first offset that is kept.
    private mutating func reset(_ partition: TopicPartition) {
        guard let next = member.machine.withLock({ $0.nextOffset(of: partition) }) else { return }
        var start = next
        do throws(KafkaFault) {
            let marks = try member.consumer.watermarks(of: partition, timeout: patience)
            start = max(next, marks.start)
            if next > marks.end {
                tell {
                    $0.fail(
                        KafkaFault(
                            .corrupt,
                            "\(partition) ends at \(marks.end), before the group's position \(next): the topic was"
                                + " deleted and made anew. Set log.epoch to eight other letters or digits and use a"
                                + " new group, so that its messages get names of their own"))
                }
                return
            }
        } catch {
            settings.report?(4, "the first offset of \(partition) cannot be read yet: \(error.cause)")
        }
        tell { $0.trimmed(partition, to: start) }
        // A partition that stopped on an error is not sought in, but assigned anew.
        unassign([partition])
        assign([partition: start])
    }
}
