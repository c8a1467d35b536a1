import EventLog
import Lake
import MarketData

/// A partition for as long as this instance owns it. A partition that is assigned again has another number, so that
/// answers meant for the earlier ownership are told apart.
struct Assignment: Hashable, Sendable {
    let partition: TopicPartition
    let number: UInt64
}

/// An object under way, by where its range starts.
struct ObjectID: Hashable, Sendable {
    let assignment: Assignment
    let start: Offset
}

/// Why a range has no readable row, as the announcement words it.
enum EmptyReason: String, Sendable {
    case allRejected = "all-rejected"
    case lostToRetention = "lost-to-retention"
    case beforeFirstStart = "before-first-start"
}

/// What the state machine is told.
enum FlusherEvent: Sendable {
    case assigned([TopicPartition: Offset])
    case revoking(Set<TopicPartition>)
    case lost(Set<TopicPartition>)
    /// - Parameter keptSince: when the log took the first message behind what is gone, where there is one.
    case trimmed(TopicPartition, from: Offset, to: Offset, keptSince: Instant?)
    case records(RecordBatch)
    /// Time has passed.
    case tick
    case appended(Assignment, Appended)
    case finished(Assignment, FinishedObject)
    case put(ObjectID)
    case putFailed(ObjectID, StoreError)
    case committed
    case commitFailed(LogError)
    case waited(Wait)
    case shutdown
}

/// What encoding did with a batch's records.
struct Appended: Sendable {
    enum Stop: Hashable, Sendable {
        /// The next record is of another schema version, which needs an object of its own.
        case otherVersion
        /// The object holds as many trading days as an announcement can name.
        case fullOfDays
        /// The next record is of a version that this program does not know.
        case newerVersion(Int)
    }

    /// The first record not taken, by its index in the batch.
    let next: Int
    /// The position reached.
    let end: Offset
    let messages: Int
    let messageBytes: Int
    /// What the open object holds in memory now.
    let heldBytes: Int
    /// Why the object takes no more, if not for want of room.
    let stop: Stop?
}

/// An object that is encoded and not yet put, with what will be said of it.
struct FinishedObject: Sendable {
    let range: Range<Offset>
    let summary: ObjectSummary
    /// To be held against the store before anything is put, where the range is the partition's first.
    var beginning: PartitionBeginning?
    /// What is to be put: large dead letters first, the raw object last.
    let contents: [(key: String, bytes: [UInt8])]
    let deadLetters: [OutgoingMessage]

    var contentBytes: Int { contents.reduce(0) { $0 + $1.bytes.count } }
    var letterBytes: Int { deadLetters.reduce(0) { $0 + $1.memoryBytes } }
}

/// An object, as its announcement tells of it.
struct ObjectSummary: Sendable {
    let key: String
    let size: Int
    let sha256: String
    let schemaVersion: Int
    let rows: Int
    let rejected: Int
    let emptyReason: EmptyReason?
    let days: [Announcement.DayContent]
    /// Between which of the log's times the messages of a range that retention took lay, as far as it is known.
    var lostAfter: Instant?
    var lostBefore: Instant?
}

/// What a pause is for.
enum Wait: Hashable, Sendable {
    case put(ObjectID)
    case commit
    /// Of a partition whose commit the log refuses as too large.
    case commitAlone(Assignment)
}
