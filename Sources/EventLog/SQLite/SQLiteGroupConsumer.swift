import Synchronization

/// A member of a group of the embedded log. One task at a time calls ``next(waitingAtMost:)``; the rest may be called
/// by any, at the same time too.
final class SQLiteGroupConsumer: GroupConsumer {
    private let log: SQLiteEventLog
    private let name: String
    private let instance: String
    private let topics: [String]
    private let beat: Heart.Beat
    private let state: Mutex<MemberState>

    init(of log: SQLiteEventLog, group: String, topics: [String], membership: Membership) {
        self.log = log
        name = group
        instance = membership.instance
        self.topics = topics
        state = Mutex(MemberState(membership, maximumBytes: log.settings.fetchBytes))
        beat = log.heart.start(for: membership)
    }

    deinit { log.heart.stop(beat) }

    func next(waitingAtMost duration: Duration) async throws(LogError) -> ConsumerEvent? {
        let deadline = ContinuousClock.now + duration
        while true {
            let seen = log.signal.count
            if let event = state.withLock({ $0.takeEvent() }) { return event }
            try checkMembership()
            let query = state.withLock { $0.query }
            let answer = try await doing("read") { () throws(Fault) in
                try await log.reader.perform { session throws(Fault) in try session.answer(query) }
            }
            switch state.withLock({ $0.take(answer, to: query) }) {
            case .deliver(let event): return event
            case .askAgain: continue
            case .release(let partitions):
                try await doing("release partitions") { () throws(Fault) in
                    _ = try await log.writer.perform { session throws(Fault) in
                        try session.release(partitions, of: query.membership)
                    }
                }
            case .rejoin:
                if let event = state.withLock({ $0.takeEvent() }) { return event }
                try checkMembership()
                try await rejoin()
            case .wait:
                guard ContinuousClock.now < deadline, !Task.isCancelled else { return nil }
                await log.signal.wait(beyond: seen, until: deadline)
            }
        }
    }

    func pause(_ partitions: Set<TopicPartition>) async { state.withLock { $0.pause(partitions) } }

    func resume(_ partitions: Set<TopicPartition>) async {
        state.withLock { $0.resume(partitions) }
        log.signal.raise()
    }

    func commit(_ batch: CommitBatch) async throws(LogError) -> [LogPosition] {
        guard !batch.advances.isEmpty || !batch.appends.isEmpty else { return [] }
        let (membership, generations) = state.withLock { ($0.membership, $0.generations(for: batch)) }
        return try await doing("commit \(batch.summary)") { () throws(Fault) in
            guard let generations else {
                throw Fault(.fenced, "\(instance) has not all of these partitions")
            }
            if let wrong = batch.advances.first(where: { $0.start > $0.end || $0.start < 0 }) {
                throw Fault(.other, "\(wrong.partition) cannot go from \(wrong.start) to \(wrong.end)")
            }
            let weight = try batch.appends.weight(ofAtMost: log.settings.maximumMessageBytes)
            return try await log.writer.perform(isCommit: true, weight: weight) { session throws(Fault) in
                try session.commit(batch, by: membership, generations: generations)
            }
        }
    }

    func release(_ partitions: Set<TopicPartition>) async throws(LogError) {
        let (membership, released) = state.withLock { ($0.membership, $0.beginRelease(of: partitions)) }
        guard !released.isEmpty else { return }
        let revision: Int64
        do throws(Fault) {
            revision = try await log.writer.perform { session throws(Fault) in
                try session.release(released, of: membership)
            }
        } catch {
            state.withLock { $0.undoRelease(of: released) }
            throw error.whileDoing("release partitions of group \(name)")
        }
        state.withLock { $0.endRelease(of: released, at: revision) }
    }

    func leave() async {
        let membership = state.withLock { state in
            state.leave()
            return state.membership
        }
        log.heart.stop(beat)
        // Where the log cannot be told, the lease runs out.
        try? await log.writer.perform { session throws(Fault) in try session.leave(membership) }
    }

    private func checkMembership() throws(LogError) {
        let (hasLeft, isReplaced) = state.withLock { ($0.hasLeft, $0.isReplaced) }
        if hasLeft { throw Fault(.closed, "\(instance) has left").whileDoing("read as group \(name)") }
        if isReplaced {
            throw Fault(.fenced, "\(instance) was started anew elsewhere").whileDoing("read as group \(name)")
        }
    }

    private func rejoin() async throws(LogError) {
        let (name, instance, topics) = (name, instance, topics)
        let membership = try await doing("join again") { () throws(Fault) in
            try await log.writer.perform { session throws(Fault) in
                try session.join(group: name, instance: instance, topics: topics)
            }
        }
        state.withLock { $0.rejoined(as: membership) }
        log.heart.renew(beat, for: membership)
    }

    private func doing<Result>(
        _ what: @autoclosure () -> String, _ body: () async throws(Fault) -> Result
    ) async throws(LogError) -> Result {
        do throws(Fault) { return try await body() } catch { throw error.whileDoing("\(what()) as group \(name)") }
    }
}

extension CommitBatch {
    /// `pregao.quotes/0 from 10 to 20, 1 message`
    fileprivate var summary: String {
        var parts = advances.map { "\($0.partition) from \($0.start) to \($0.end)" }
        if !appends.isEmpty { parts.append("\(appends.count) messages") }
        return parts.joined(separator: ", ")
    }
}
