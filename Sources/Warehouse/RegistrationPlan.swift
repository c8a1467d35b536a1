import Lake
import MarketData

/// A raw object to register.
public struct Registration: Hashable, Sendable {
    public let announcement: Announcement
    /// How the engine names the object: an absolute path or a URI.
    public let location: String
    /// The compacted file from which a rebuilt catalog reads its rows, since it has expired; nil for itself.
    public let expiredInto: CompactedFile?

    public init(announcement: Announcement, location: String, expiredInto: CompactedFile? = nil) {
        self.announcement = announcement
        self.location = location
        self.expiredInto = expiredInto
    }
}

public enum RegistrationOutcome: Hashable, Sendable {
    case registered
    /// The ledger holds the key already; nothing was done.
    case already
    /// It cannot be registered, ever; the ledger is as it was. See ``Catalog/refuse(_:reason:)``.
    case refused(String)
    /// The ledger ends at `expected`, before the object's range: it waits until the range between is registered.
    case ahead(expected: Int64)
}

/// A partition of a topic of a log of that epoch.
public struct LedgerPartition: Hashable, Sendable {
    public let epoch: String
    public let topic: String
    public let partition: Int32

    public init(epoch: String, topic: String, partition: Int32) {
        self.epoch = epoch
        self.topic = topic
        self.partition = partition
    }
}

extension Announcement {
    public var ledgerPartition: LedgerPartition {
        LedgerPartition(epoch: epoch, topic: topic, partition: partition)
    }
}

public enum LedgerStatus: String, Hashable, Sendable {
    /// In the raw table.
    case registered
    /// Has no row: kept in the ledger, so that ranges tile, and not in the raw table.
    case empty
    /// Cannot be had; its days are not published until it is replayed.
    case refused
}

/// Decides what a batch of registrations does to the ledger, one after the other.
struct RegistrationPlan {
    /// What the ledger holds of the objects offered, and where the ranges of their partitions end.
    private(set) var statuses: [String: LedgerStatus]
    private(set) var ranges: [LedgerPartition: Range<Int64>]
    private(set) var accepted: [Registration] = []
    /// Keys that were refused before and are registered now.
    private(set) var replayed: [String] = []
    private(set) var changedRanges: Set<LedgerPartition> = []
    /// Refused keys whose range overlaps that of an object that is not refused.
    private let contested: Set<String>
    private let datasets: [String: Dataset]

    init(
        statuses: [String: LedgerStatus], ranges: [LedgerPartition: Range<Int64>], contested: Set<String> = [],
        datasets: [String: Dataset]
    ) {
        self.contested = contested
        self.statuses = statuses
        self.ranges = ranges
        self.datasets = datasets
    }

    /// - Parameter acrossHoles: take an object that starts after the ledger's end, leaving a hole.
    mutating func offer(_ registration: Registration, acrossHoles: Bool = false) -> RegistrationOutcome {
        let announcement = registration.announcement
        let partition = announcement.ledgerPartition
        let range = ranges[partition]
        if let status = statuses[announcement.key] {
            guard status == .refused else { return .already }
            // Refused because its bytes could not be had: its range is in the ledger as its own.
            guard let range, range.lowerBound <= announcement.start, announcement.end <= range.upperBound,
                !contested.contains(announcement.key)
            else { return .refused("its range [\(announcement.start), \(announcement.end)) is not its own") }
        }
        if let reason = fault(of: registration) { return .refused(reason) }
        if statuses[announcement.key] == .refused {
            replayed.append(announcement.key)
        } else {
            if let range, announcement.start < range.upperBound {
                return .refused(
                    "its range [\(announcement.start), \(announcement.end)) overlaps: "
                        + "the ledger of \(partition) holds [\(range.lowerBound), \(range.upperBound)). "
                        + "Where its topic was deleted and made anew, log.epoch has to be set anew")
            }
            if let range, announcement.start > range.upperBound, !acrossHoles {
                return .ahead(expected: range.upperBound)
            }
            ranges[partition] = (range?.lowerBound ?? announcement.start)..<announcement.end
            changedRanges.insert(partition)
        }
        statuses[announcement.key] = announcement.rows == 0 ? .empty : .registered
        accepted.append(registration)
        return .registered
    }

    private func fault(of registration: Registration) -> String? {
        let announcement = registration.announcement
        guard announcement.start >= 0, announcement.end > announcement.start else {
            return "its range [\(announcement.start), \(announcement.end)) is none"
        }
        guard let dataset = datasets[announcement.dataset] else { return "unknown dataset \(announcement.dataset)" }
        guard announcement.schemaVersion <= dataset.version else {
            return "version \(announcement.schemaVersion) of \(dataset.name) is newer than this program's, "
                + "\(dataset.version)"
        }
        guard !SQL.hasWildcard(registration.location) else {
            return "the location \(registration.location) holds a wildcard"
        }
        return nil
    }
}

extension LedgerPartition: CustomStringConvertible {
    /// `pregao.quotes/3 of epoch 1a2b3c4d`
    public var description: String { "\(topic)/\(partition) of epoch \(epoch)" }
}
