import EventLog
import Lake
import MarketData

/// What the state machine asks for. Each of the first five is answered by an event; the others are done in order.
enum FlusherAction: Sendable {
    /// Encode the batch's records, from the given index, into the partition's open object, as far as there is room.
    case append(Assignment, RecordBatch, from: Int, room: Room)
    /// Close the open object over this range, and open the next.
    ///
    /// - Parameter keptSince: of a range that retention took: when the log took the first message behind it.
    case finish(Assignment, Range<Offset>, EmptyReason?, keptSince: Instant?)
    case put(ObjectID, FinishedObject)
    case commit([CommitPart])
    /// Pause before the given number of the try.
    case wait(Wait, attempt: Int)
    case pause(Set<TopicPartition>)
    case resume(Set<TopicPartition>)
    case release(Set<TopicPartition>)
    /// Forget what is encoded of a partition that is no longer ours.
    case discard(Assignment)
    case report(FlusherReport)
    /// Everything is flushed, or given up to the next owner: leave the group.
    case leave
}

/// How much an open object may still take; at least one record is taken whatever its size.
struct Room: Hashable, Sendable {
    let bytes: Int
    let messages: Int?
}

/// What a commit says of one partition: consecutive objects, and the position after the last.
struct CommitPart: Sendable {
    let assignment: Assignment
    let position: Offset
    let objects: [FinishedObject]

    var end: Offset { objects.last?.range.upperBound ?? position }
}

/// What the operator should know.
enum FlusherReport: Sendable {
    /// Loud: the partition waits for a newer program.
    case newerVersion(TopicPartition, offset: Offset, version: Int)
    case putHeld(ObjectID, StoreError, attempt: Int)
    case commitHeld([TopicPartition], LogError, attempt: Int)
    case commitFenced([TopicPartition], LogError)
    /// Buffered and never announced: the partition's next owner reads it again.
    case givenUp(TopicPartition, why: GivenUpReason)
}

enum GivenUpReason: String, Sendable {
    case lost = "the partition went to another member"
    case fenced = "the commit was fenced"
    case heldWhileRevoked = "the store or the log refuses, and the partition is being revoked"
    case heldWhileStopping = "the store or the log refuses, and the program is stopping"
}
