import EventLog
import Lake

/// Why a message or its object is refused, for good unless it is replayed.
struct Refusal: Hashable, Sendable, CustomStringConvertible {
    let reason: RefusalReason
    /// What was seen, in a sentence.
    let detail: String

    init(_ reason: RefusalReason, _ detail: String) {
        self.reason = reason
        self.detail = detail
    }

    var description: String { "\(reason.rawValue): \(detail)" }
}

/// The words that the archiver's dead letters and the ledger's refused objects bear.
public enum RefusalReason: String, Hashable, Sendable, CaseIterable {
    /// The message is not an object-created message of one record.
    case unreadable
    /// Key, range and content of the announcement do not belong together.
    case contradictory
    /// The key is not a raw object's name: it may climb out of its prefix.
    case misnamed
    /// Misnamed, and its range does not follow what the ledger holds, so that it is not kept there.
    case stray
    case unknownDataset = "unknown-dataset"
    /// The raw store answers, and has no such object.
    case absent
    /// Three reads gave other bytes than were announced.
    case contentDiffers = "content-differs"
    /// The range overlaps another object's in the ledger.
    case overlap
    /// The catalog cannot take it: it is no Parquet file, for one.
    case notRegistrable = "not-registrable"

    /// Whether the refused range is kept in the ledger's table `objects`.
    var isKeptInLedger: Bool {
        switch self {
        case .unreadable, .contradictory, .stray: false
        case .misnamed, .unknownDataset, .absent, .contentDiffers, .overlap, .notRegistrable: true
        }
    }
}

/// The refusals in the backup store, beside which a rebuild of the catalog needs nothing else: each a dead letter as
/// JSON, the original message inside.
struct RefusalLedger: Sendable {
    static let prefix = "ledger/refused/"
    /// A longer letter goes to the dead letters as an object of the raw store, which a short one names: as JSON a
    /// message is many times its length, and logs take messages of up to 1 MiB.
    static let inlineLimit = 64 << 10

    let backup: any ObjectStore
    let raw: any ObjectStore
    let epoch: String

    /// `ledger/refused/<topic>~<epoch>-<partition>-<offset, 20 digits>.json`: a function of the message's position.
    func key(of letter: DeadLetter) -> String {
        let digits = String(letter.offset)
        let padded = String(repeating: "0", count: max(0, 20 - digits.count)) + digits
        return "\(Self.prefix)\(letter.topic)~\(epoch)-\(letter.partition)-\(padded).json"
    }

    /// Records the refusal of the letter's message.
    ///
    /// - Returns: the letter to send.
    func record(_ letter: DeadLetter) async throws(StoreError) -> DeadLetter {
        let recorded = try await firstRecord(of: letter)
        guard recorded.json().count > Self.inlineLimit else { return recorded }
        let stored = recorded.stored(epoch: epoch)
        try await raw.put(stored.bytes, at: stored.key)
        return stored.letter
    }

    /// - Returns: the letter as it was first recorded: a refusal that is repeated may have seen something else.
    private func firstRecord(of letter: DeadLetter) async throws(StoreError) -> DeadLetter {
        let key = key(of: letter)
        do throws(StoreError) {
            try await backup.put(letter.json(), at: key)
            return letter
        } catch  where error.kind == .differs {
            let recorded = try await backup.read(key)
            do throws(DeadLetterFault) {
                return try DeadLetter.parse(recorded)
            } catch {
                throw StoreError(.unavailable, doing: "record a refusal as \(key)", cause: error.description)
            }
        }
    }
}

extension DeadLetter {
    init(_ arrival: Arrival, _ refusal: Refusal) {
        let headers = arrival.headers.map { DeadLetter.Header(name: $0.name, value: $0.value) }
        self.init(
            topic: arrival.partition.topic, partition: arrival.partition.partition, offset: arrival.offset,
            timestamp: arrival.timestamp, reason: refusal.reason.rawValue, detail: refusal.detail,
            content: .inline(key: arrival.key, value: arrival.message, headers: headers))
    }
}
