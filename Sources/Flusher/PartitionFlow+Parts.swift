import EventLog
import MarketData

extension PartitionFlow {
    /// What waits to be encoded.
    enum Input {
        case records(RecordBatch, from: Int, arrived: Duration)
        /// Everything up to this offset is without a message to read.
        case empty(to: Offset, EmptyReason, keptSince: Instant?)

        /// What of it is in memory, all of the batch as long as any of it waits.
        var byteCount: Int {
            switch self {
            case .records(let batch, _, _): batch.memoryBytes
            case .empty: 0
            }
        }
    }

    /// The object that records are being encoded into; its columns are the encoder's.
    struct OpenObject {
        let start: Offset
        var end: Offset
        var messages = 0
        var messageBytes = 0
        var heldBytes = 0
        /// When its first message arrived.
        var openedAt: Duration?
        var isSealRequested = false

        init(start: Offset) {
            self.start = start
            end = start
        }
    }

    /// An object from its encoding to its commit.
    struct PendingObject {
        enum State: Hashable { case putting, waiting, stored }

        private(set) var object: FinishedObject
        private(set) var state = State.putting
        /// Puts that failed.
        private(set) var attempts = 0
        /// What of it is in memory.
        private(set) var heldBytes: Int

        init(_ object: FinishedObject) {
            self.object = object
            heldBytes = object.contentBytes + object.letterBytes
        }

        mutating func isStored() {
            state = .stored
            object = object.withoutContents
            heldBytes = object.letterBytes
        }

        mutating func failed() -> Int {
            state = .waiting
            attempts += 1
            return attempts
        }

        mutating func tryAgain() -> Bool {
            guard state == .waiting else { return false }
            state = .putting
            return true
        }
    }
}

extension FinishedObject {
    /// What the commit needs once the contents are stored.
    var withoutContents: FinishedObject {
        FinishedObject(
            range: range, summary: summary, beginning: beginning, contents: [], deadLetters: deadLetters)
    }
}
