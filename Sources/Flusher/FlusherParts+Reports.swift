import EventLog
import Lake
import Runtime

/// What the operator is told: log lines, and what holds each partition back.
///
/// What holds is said of each partition by its cause, so that one that is well again speaks for no other, and one that
/// is gone takes along what was said of it.
extension FlusherParts {
    private enum Cause {
        case version, commit
        /// Of an object, by its first offset: another of the same partition may have been taken meanwhile.
        case store(Offset)
    }

    private static func hindrance(of partition: TopicPartition) -> String { "flusher/partition/\(partition)/" }

    private static func hindrance(of partition: TopicPartition, _ cause: Cause) -> String {
        hindrance(of: partition) + "\(cause)"
    }

    /// The store has taken the object.
    func stored(_ id: ObjectID) { readiness.clear(Self.hindrance(of: id.assignment.partition, .store(id.start))) }

    /// The log has taken the partitions' commit.
    func committed(_ commit: [CommitPart]) {
        for part in commit { readiness.clear(Self.hindrance(of: part.assignment.partition, .commit)) }
    }

    /// The partition is another's.
    func forget(_ partition: TopicPartition) {
        figures.forget(partition)
        readiness.clear(startingWith: Self.hindrance(of: partition))
    }

    func report(_ report: FlusherReport) {
        switch report {
        case .newerVersion(let partition, let offset, let version):
            figures.sawNewerVersion(partition)
            readiness.hold(
                Self.hindrance(of: partition, .version),
                "flusher: \(partition) waits at offset \(offset) for a program that reads version \(version)")
            logger.error(
                "partition is paused: its next message is of a version that only a newer program reads",
                [
                    "topic": partition.topic, "partition": partition.partition, "offset": offset, "version": version,
                    "next": "run a newer version of the program",
                ])
        case .putHeld(let id, let error, let attempt):
            figures.retried("put")
            let partition = id.assignment.partition
            readiness.hold(
                Self.hindrance(of: partition, .store(id.start)),
                "flusher: \(partition) is held back: the store: \(error)")
            if error.isTransient {
                logger.warning(
                    "object is held back: the store refuses it",
                    ["partition": partition, "start": id.start, "attempt": attempt, "cause": error])
            } else {
                logger.error(
                    "object is not announced: the store does not hold what was encoded",
                    ["partition": partition, "start": id.start, "attempt": attempt, "cause": error])
            }
        case .commitHeld(let partitions, let error, let attempt):
            figures.retried("commit")
            for partition in partitions {
                readiness.hold(
                    Self.hindrance(of: partition, .commit), "flusher: \(partition) is held back: its commit: \(error)")
            }
            let fields: KeyValuePairs<String, any Sendable> = [
                "partitions": partitions, "attempt": attempt, "cause": error,
            ]
            if error.kind == .messageTooLarge {
                logger.error(
                    "partition is held: the log takes no message as large as its announcement or letter", fields)
            } else {
                logger.warning("commit is held back: the log refuses it", fields)
            }
        case .commitFenced(let partitions, let error):
            figures.fenced()
            // What is still ours of them is tried again, each alone.
            for partition in partitions { readiness.clear(Self.hindrance(of: partition, .commit)) }
            logger.warning("commit was fenced", ["partitions": partitions, "cause": error])
        case .givenUp(let partition, let why):
            logger.warning(
                "what was buffered is left to the partition's next owner",
                ["partition": partition, "why": why.rawValue])
        }
    }
}
