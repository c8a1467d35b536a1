import CRdKafka
import EventLog
import Runtime
import Synchronization

/// Appends messages, and moves a group's positions with them, in transactions: all of it or nothing. Each call blocks;
/// all are made by one thread.
final class TransactionalProducer {
    /// Positions to move, as a member of their group.
    struct Advance {
        let offsets: [TopicPartition: Offset]
        let membership: Membership
    }

    private let transactionalID: String
    private var client: Client
    /// A refused delivery left a gap in the sequence, which librdkafka may stumble over in the next transaction, or it
    /// can do nothing any more.
    private var isSpoilt = false
    /// Since when this producer has been fenced after a time in which the cluster may have ended its transaction; another
    /// life of the instance may have done it as well.
    private(set) var fencedSince: ContinuousClock.Instant?
    /// When the last transaction began, by a clock that goes on while the process is frozen.
    private var began = ContinuousClock.now
    private let directory: TopicDirectory
    private let settings: KafkaLogSettings
    private let stopping: StopFlag
    private var topics: [String: OpaquePointer] = [:]
    /// One call's patience; what it cannot do in this time is asked again.
    private let patience: Int32 = 2000

    /// Makes the cluster finish what an earlier life under this id left open, and refuse it from now on.
    init(
        transactionalID: String, _ directory: TopicDirectory, _ settings: KafkaLogSettings, stopping: StopFlag
    ) throws(KafkaFault) {
        self.transactionalID = transactionalID
        self.directory = directory
        self.settings = settings
        self.stopping = stopping
        client = try Client(
            RD_KAFKA_PRODUCER, .producer(settings, transactionalID: transactionalID), report: settings.report)
        try initialise()
    }

    private func initialise() throws(KafkaFault) {
        let deadline = ContinuousClock.now + settings.requestTimeout
        try repeating(.initialise, until: deadline) { rd_kafka_init_transactions(client.pointer, patience) }
    }

    deinit { forgetTopics() }

    private func forgetTopics() {
        for topic in topics.values { rd_kafka_topic_destroy(topic) }
        topics = [:]
    }

    /// Starts anew under the same id where the last transaction left something amiss: the cluster ends what it left open.
    func prepare() throws(KafkaFault) {
        guard isSpoilt else { return }
        forgetTopics()
        client = try Client(
            RD_KAFKA_PRODUCER, .producer(settings, transactionalID: transactionalID), report: settings.report)
        try initialise()
        isSpoilt = false
        fencedSince = nil
    }

    /// - Throws: with `isFatal` where this producer can do nothing any more. Nothing was stored then, unless the
    ///   producer is fenced: then the commit's answer may be what was lost, which the positions tell.
    func run(_ messages: [OutgoingMessage], advancing advance: Advance? = nil) throws(KafkaFault) -> [LogPosition] {
        do throws(KafkaFault) {
            return try attempt(messages, advancing: advance)
        } catch {
            guard error.isFatal else { throw error }
            // Such as a transaction that a broker forgot when it died.
            guard error.kind == .fenced else {
                isSpoilt = true
                throw error
            }
            // Sooner than the time-out, only another life of the instance can have done it: to start anew would fence it.
            guard ContinuousClock.now - began >= settings.transactionTimeout else { throw error }
            isSpoilt = true
            fencedSince = .now
            throw error.asTimedOutTransaction
        }
    }

    private func attempt(_ messages: [OutgoingMessage], advancing advance: Advance?) throws(KafkaFault)
        -> [LogPosition]
    {
        let placements = try messages.map { message throws(KafkaFault) in
            try message.checkSize(atMost: settings.maximumMessageBytes)
            return try directory.placement(of: message)
        }
        try prepare()
        for topic in Set(messages.map(\.topic)) where topics[topic] == nil { try learn(topic) }
        _ = client.context.takeDeliveries()
        began = .now
        do throws(KafkaFault) {
            try repeating(.begin) { rd_kafka_begin_transaction(client.pointer) }
        } catch {
            // "Fatal to the application", says librdkafka of every error here; a new client may do better.
            if !error.isFatal { isSpoilt = true }
            throw error
        }
        var isCommitting = false
        do throws(KafkaFault) {
            for (index, message) in messages.enumerated() {
                try produce(message, to: placements[index], number: index + 1)
            }
            if let advance {
                try send(advance)
                Waypoint.logInTransaction.reached()
            }
            isCommitting = true
            // Who appends cannot ask how it ended, as who moves positions can.
            let limit = advance == nil ? nil : ContinuousClock.now + settings.requestTimeout
            try repeating(.commit, until: limit) {
                rd_kafka_commit_transaction(client.pointer, patience)
            }
        } catch {
            let refused = refusedDelivery()
            if refused != nil { isSpoilt = true }
            guard TransactionRuling(error, at: .commit) != .end else { throw error }
            var cause = refused ?? error
            do throws(KafkaFault) {
                if try !abort(unlessRetriable: isCommitting ? error : nil) {
                    isSpoilt = true
                    cause.leavesDoubt = isCommitting
                }
            } catch {
                // The cluster ends none that has nothing in it, as where its only topic was deleted, which is why it failed.
                // A fence that is fatal as well ends the member, as one alone does not.
                guard error.kind != .fenced, cause.kind != .fenced else { throw error }
                cause.isFatal = true
            }
            throw cause
        }
        return try positions(of: messages)
    }

    /// Aborts the open transaction.
    ///
    /// - Parameter commit: how a commit failed. One that was given up while librdkafka would go on with it cannot be aborted.
    /// - Throws: where this producer can do nothing any more.
    /// - Returns: false where the cluster has yet to end it: a new client makes it do so.
    private func abort(unlessRetriable commit: KafkaFault?) throws(KafkaFault) -> Bool {
        if let commit, commit.isRetriable, !commit.requiresAbort { return false }
        do throws(KafkaFault) {
            let limit = stopping.isSet ? .milliseconds(Int(patience)) : settings.transactionTimeout
            try repeating(.abort, until: .now + limit) { rd_kafka_abort_transaction(client.pointer, patience) }
            return true
        } catch {
            guard !error.isFatal else { throw error }
            return false
        }
    }

    /// Asks where the topic's partitions are: librdkafka by itself looks at topics that are new to it once a second.
    private func learn(_ topic: String) throws(KafkaFault) {
        guard let handle = rd_kafka_topic_new(client.pointer, topic, nil) else {
            throw KafkaFault(rd_kafka_last_error())
        }
        topics[topic] = handle
        var answer: UnsafePointer<rd_kafka_metadata>?
        // Without an answer the message waits for it instead.
        if rd_kafka_metadata(client.pointer, 0, handle, &answer, patience) == RD_KAFKA_RESP_ERR_NO_ERROR {
            rd_kafka_metadata_destroy(answer)
        }
    }

    private func produce(_ message: OutgoingMessage, to partition: Int32, number: Int) throws(KafkaFault) {
        while true {
            let code = message.produce(to: client.pointer, partition: partition, number: number)
            switch code {
            case RD_KAFKA_RESP_ERR_NO_ERROR: return
            case RD_KAFKA_RESP_ERR__QUEUE_FULL:
                // Deliveries make room.
                rd_kafka_poll(client.pointer, 100)
                guard !stopping.isSet else { throw KafkaFault(.closed, "the log is closed") }
            default: throw KafkaFault(code, "\(String(cString: rd_kafka_err2str(code))) for topic \(message.topic)")
            }
        }
    }

    private func send(_ advance: Advance) throws(KafkaFault) {
        let list = PartitionList(advance.offsets)
        try repeating(.sendOffsets, until: .now + settings.requestTimeout) {
            rd_kafka_send_offsets_to_transaction(
                client.pointer, list.pointer, advance.membership.pointer, patience)
        }
    }

    /// Makes a call until it is done, or an error rules that it is not to be made again.
    private func repeating(
        _ step: TransactionRuling.Step, until deadline: ContinuousClock.Instant? = nil, _ call: () -> OpaquePointer?
    ) throws(KafkaFault) {
        while let error = call() {
            let fault = KafkaFault(consuming: error)
            guard TransactionRuling(fault, at: step) == .again else { throw fault }
            guard !stopping.isSet || step == .abort else {
                var closed = KafkaFault(.closed, "the log is closed")
                closed.isRetriable = true
                throw closed
            }
            if step == .initialise {
                // Errors call back from here; what the cluster refuses is told at once.
                rd_kafka_poll(client.pointer, 0)
                if let refused = client.context.takeFault() { throw refused }
            }
            if let deadline, ContinuousClock.now >= deadline { throw fault }
        }
    }

    /// Why a message was not taken, which says more than that its transaction has to be aborted.
    private func refusedDelivery() -> KafkaFault? {
        rd_kafka_poll(client.pointer, 0)
        let refused = client.context.takeDeliveries().values.first { delivery in
            ![RD_KAFKA_RESP_ERR_NO_ERROR, RD_KAFKA_RESP_ERR__PURGE_QUEUE, RD_KAFKA_RESP_ERR__PURGE_INFLIGHT]
                .contains(delivery.code)
        }
        if refused?.code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART { directory.forget() }
        return refused.map { KafkaFault($0.code) }
    }

    private func positions(of messages: [OutgoingMessage]) throws(KafkaFault) -> [LogPosition] {
        let deliveries = client.context.takeDeliveries()
        return try messages.enumerated().map { index, message throws(KafkaFault) in
            guard let delivery = deliveries[index + 1] else {
                throw KafkaFault(.other, "the cluster did not say where a message to \(message.topic) was stored")
            }
            return LogPosition(
                partition: TopicPartition(topic: message.topic, partition: delivery.partition),
                offset: delivery.offset)
        }
    }
}

/// Says that waiting for the cluster is to end.
final class StopFlag: Sendable {
    private let flag = Mutex(false)

    var isSet: Bool { flag.withLock { $0 } }

    func set() { flag.withLock { $0 = true } }
}
