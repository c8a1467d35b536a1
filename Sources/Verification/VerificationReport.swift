import MarketData

/// What `pregao verify` found: a line a check, and every fault with its place.
public struct VerificationReport: Sendable {
    public enum Check: String, CaseIterable, Sendable {
        /// The ledger's ranges tile what the flushers committed, exactly once.
        case ranges
        /// Stored plus rejected messages are exactly the messages of each range.
        case messages
        /// Each object has the announced rows, size and, with `--full`, content.
        case objects
        /// Each object has an identical backup, with its announcement beside it.
        case backup
        /// No raw row is reachable twice, and each that is announced is reachable.
        case rawTables = "raw-tables"
        /// Each refined day's recorded inputs are that day's; with `--deep` it is computed again and compared.
        case refined
        /// Each poll slot is a quote or inside a recorded gap.
        case slots
        /// Objects that were refused.
        case refused
        /// Objects that nothing announces, and refined or compacted files that nothing published, past the sweep's grace.
        case orphans

        public var proves: String {
            switch self {
            case .ranges: "the ledger's ranges tile what was committed, exactly once"
            case .messages: "stored plus rejected are exactly the messages of each range"
            case .objects: "each object has the announced rows and content"
            case .backup: "each object has an identical backup"
            case .rawTables: "each raw row is reachable exactly once"
            case .refined: "each refined day is made of exactly its inputs"
            case .slots: "each poll slot is a quote or inside a recorded gap"
            case .refused: "no object is refused"
            case .orphans: "no orphan is older than the sweep's grace"
            }
        }
    }

    /// A hole, overlap or difference, or what could not be proven, and where it is.
    public struct Fault: Hashable, Sendable {
        public let check: Check
        /// What is wrong there: an object's key, a partition's range, a model's day, a series' slots.
        public let place: String
        public let message: String

        public init(_ check: Check, _ place: String, _ message: String) {
            self.check = check
            self.place = place
            self.message = message
        }
    }

    /// What a check looked at.
    public struct Tally: Hashable, Sendable {
        /// Things that were looked at: ranges, objects, days, slots.
        public var checked: Int64 = 0
        public var faults: Int64 = 0
        /// Newer than the cut, or on its way: not wrong.
        public var pending: Int64 = 0
        /// What could not be proven either way.
        public var unproven: Int64 = 0

        public init() {}
    }

    public private(set) var tallies: [Check: Tally] = [:]
    public private(set) var faults: [Fault] = []
    /// What could not be proven either way, each with its place and the reason.
    public private(set) var notes: [Fault] = []
    /// Figures of the whole ledger beside the checks: rows, messages rejected, messages lost.
    public var counts: [(name: String, value: Int64)] = []

    public init() {}

    public var isProven: Bool { faults.isEmpty }

    /// What the report comes to, in a sentence; nil where there are faults.
    public var conclusion: String? {
        guard isProven else { return nil }
        guard notes.isEmpty else { return "no fault; what is unproven is named above" }
        var figures = Dictionary(counts.map { ($0.name, $0.value) }) { first, _ in first }
        figures["pending"] = tallies.values.map(\.pending).clampedSum()
        let exceptions = [
            ("pending", "pending"), ("rejected", "rejected (dead letters)"), ("lost to retention", "lost to retention"),
            ("before the first start", "from before the first start"),
        ].compactMap { name, words in figures[name].flatMap { $0 == 0 ? nil : "\($0) \(words)" } }
        return exceptions.isEmpty
            ? "proven: nothing is missing, nothing is twice"
            : "proven up to the cut, but for: \(exceptions.joined(separator: ", "))"
    }

    public mutating func checked(_ check: Check, _ count: Int64 = 1) {
        let before = tallies[check]?.checked ?? 0
        tallies[check, default: Tally()].checked = before.addingClamped(count)
    }

    public mutating func pending(_ check: Check, _ count: Int64 = 1) {
        let before = tallies[check]?.pending ?? 0
        tallies[check, default: Tally()].pending = before.addingClamped(count)
    }

    public mutating func unproven(_ check: Check, _ place: String, _ reason: String) {
        tallies[check, default: Tally()].unproven += 1
        notes.append(Fault(check, place, reason))
    }

    public mutating func fault(_ check: Check, _ place: String, _ message: String) {
        tallies[check, default: Tally()].faults += 1
        faults.append(Fault(check, place, message))
    }

    public mutating func add(_ new: [Fault]) {
        for fault in new { self.fault(fault.check, fault.place, fault.message) }
    }
}

/// How much `pregao verify` does.
///
/// | damage | found with |
/// |---|---|
/// | a range that is missing, twice, or of other messages; an edited ledger; an object that is missing, of another size or unreadable; a refined file that is; wrong inputs; rows added to or taken from a table | always |
/// | other bytes of the same size in raw, backup or refined; wrong offsets or days inside a raw file; a raw table's row changed | `full` |
/// | a refined day that was published with other rows than its inputs give | `deep` |
public struct VerificationScope: Hashable, Sendable {
    /// Also the sha256 of every raw, backup and refined object.
    public var full: Bool
    /// Also computes each refined day again from its recorded inputs.
    public var deep: Bool
    /// Only objects with this trading day or a later one, refined days and slots from it on. The ledger's ranges are
    /// always held against the log as a whole.
    public var since: Day?
    /// How old an orphan may be before it is a fault.
    public var grace: Duration

    public init(full: Bool = false, deep: Bool = false, since: Day? = nil, grace: Duration = .seconds(86_400)) {
        self.full = full
        self.deep = deep
        self.since = since
        self.grace = grace
    }
}
