import EventLog
import Synchronization

/// A member of a group of a Kafka log. One task at a time calls ``next(waitingAtMost:)``; the rest may be called by any,
/// at the same time too.
final class KafkaGroupConsumer: GroupConsumer {
    private let name: String
    private let settings: KafkaLogSettings
    private let member: Member
    private let committer: Lane<TransactionalProducer>
    private let stopping: StopFlag
    private let written: OwnWrites

    init(
        _ member: Member, group: String, committer: Lane<TransactionalProducer>, stopping: StopFlag,
        _ written: OwnWrites, _ settings: KafkaLogSettings
    ) {
        name = group
        self.settings = settings
        self.member = member
        self.committer = committer
        self.stopping = stopping
        self.written = written
    }

    deinit { stop(.left) }

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        let deadline = ContinuousClock.now + duration
        while true {
            let seen = member.signal.count
            let (event, fault, end) = member.machine.withLock { machine in
                let event = machine.takeEvent()
                return (event, event == nil ? machine.takeFault() : nil, machine.end)
            }
            if let event {
                // Room for more.
                member.wake()
                return event
            }
            if let fault { throw fault.whileDoing("read as group \(name)") }
            switch end {
            case nil: break
            case .left: throw LogError(.closed, doing: "read as group \(name)", cause: "the member has left")
            case .closed: throw LogError(.closed, doing: "read as group \(name)", cause: "the log is closed")
            case .fenced(let why): throw LogError(.fenced, doing: "read as group \(name)", cause: why)
            }
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return nil }
            await member.signal.wait(beyond: seen, until: deadline)
        }
    }

    func pause(_ partitions: Set<TopicPartition>) async { member.machine.withLock { $0.pause(partitions) } }

    func resume(_ partitions: Set<TopicPartition>) async {
        member.machine.withLock { $0.resume(partitions) }
        member.signal.raise()
        member.wake()
    }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] {
        guard !batch.advances.isEmpty || !batch.appends.isEmpty else { return [] }
        let deadline = ContinuousClock.now + settings.requestTimeout
        do throws(KafkaFault) {
            while true {
                let seen = member.signal.count
                do throws(KafkaFault) {
                    return try await attempt(batch)
                } catch {
                    // The group has just gone over to another generation, of which the member is about to hear: it has
                    // the partitions still, or will be told that it has not.
                    guard error.isOfGeneration, ContinuousClock.now < deadline else { throw error }
                    await member.signal.wait(beyond: seen, until: .now + .milliseconds(50))
                }
            }
        } catch {
            throw error.whileDoing("commit \(batch.summary) as group \(name)")
        }
    }

    private func attempt(_ batch: CommitBatch) async throws(KafkaFault) -> [LogPosition] {
        let (member, written, timeout) = (member, written, settings.requestTimeout.inMilliseconds)
        return try await committer.perform { producer throws(KafkaFault) in
            try Self.refuseTwin(of: member, producer)
            try producer.prepare()
            if let doubtful = member.machine.withLock({ $0.doubtful }) {
                let positions = try member.consumer.committed(doubtful, timeout: timeout)
                member.machine.withLock { $0.resolve(positions) }
            }
            // One that has left the group for good has no id there either, as one that is about to join again.
            try member.machine.withLock { machine throws(KafkaFault) in try machine.checkIsMember() }
            // Taken before the check: what the group says afterwards is of a later generation, which the cluster tells.
            let membership = try Membership(member.consumer)
            try member.machine.withLock { machine throws(KafkaFault) in
                try machine.check(batch, as: membership.memberID)
            }
            let offsets = Dictionary(
                batch.advances.map { ($0.partition, $0.end) }, uniquingKeysWith: { first, _ in first })
            do throws(KafkaFault) {
                let positions = try producer.run(
                    batch.appends, advancing: .init(offsets: offsets, membership: membership))
                member.machine.withLock { $0.committed(batch) }
                written.note(positions)
                return positions
            } catch {
                if error.isFatal, error.kind == .fenced { member.stop(.fenced(error.cause)) }
                if error.isFatal || error.leavesDoubt { member.machine.withLock { $0.doubt(batch) } }
                throw error
            }
        }
    }

    /// A producer that was fenced may start anew unless it was another life of the instance that did it, which is a member
    /// of the group then. So is a life that has just died, until its session is over.
    private static func refuseTwin(of member: Member, _ producer: TransactionalProducer) throws(KafkaFault) {
        guard let since = producer.fencedSince, try member.hasTwin() else { return }
        let why = "another process is in the group as \(member.instance)"
        guard ContinuousClock.now - since > member.longestSession else { throw KafkaFault(.busy, why) }
        member.stop(.fenced(why))
        throw KafkaFault(.fenced, why)
    }

    func release(_ partitions: Set<TopicPartition>) async throws(LogError) {
        member.machine.withLock { $0.release(partitions) }
        member.wake()
    }

    func leave() async {
        stop(.left)
        await member.ended()
        await committer.ended()
    }

    /// Ends the membership with the log's.
    func close() async {
        stop(.closed)
        await member.ended()
        await committer.ended()
    }

    private func stop(_ reason: MemberMachine.End) {
        stopping.set()
        committer.close()
        member.stop(reason)
    }
}

extension CommitBatch {
    /// `pregao.quotes/0 from 10 to 20, 1 messages`
    fileprivate var summary: String {
        var parts = advances.map { "\($0.partition) from \($0.start) to \($0.end)" }
        if !appends.isEmpty { parts.append("\(appends.count) messages") }
        return parts.joined(separator: ", ")
    }
}
