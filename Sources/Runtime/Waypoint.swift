import Foundation
import Synchronization

/// A named step of the pipeline at which a test may have the process die or freeze, as a power cut would have it.
///
/// `PREGAO_WAYPOINT=<name>[:<n>]:kill|freeze` arms one: the n-th time (the first, by default) that the process reaches
/// it, it sends itself SIGKILL or SIGSTOP. Without the variable a waypoint costs one load.
public enum Waypoint: String, CaseIterable, Sendable {
    case pollerAppended = "poller-appended"
    case flusherEncoded = "flusher-encoded"
    case flusherPut = "flusher-put"
    case flusherCommitted = "flusher-committed"
    case archiverTaken = "archiver-taken"
    case archiverCopied = "archiver-copied"
    case archiverWroteAnnouncement = "archiver-wrote-announcement"
    case archiverRegistered = "archiver-registered"
    case archiverCommitted = "archiver-committed"
    case replayCommitted = "replay-committed"
    case batchComputed = "batch-computed"
    case batchPublished = "batch-published"
    case compactionComputed = "compaction-computed"
    case compactionPlaced = "compaction-placed"
    case compactionSwapped = "compaction-swapped"
    case retentionRecorded = "retention-recorded"
    case retentionExpired = "retention-expired"
    case retentionRemovedOne = "retention-removed-one"
    case retentionRemoved = "retention-removed"
    case logInTransaction = "log-in-transaction"
    case catalogBeforeCommit = "catalog-before-commit"

    public func reached() {
        guard let armed = Self.armed, armed.waypoint == self else { return }
        let visit = Self.visits.withLock { visits in
            visits += 1
            return visits
        }
        guard visit == armed.visit else { return }
        kill(getpid(), armed.signal)
    }

    private struct Armed {
        let waypoint: Waypoint
        let visit: Int
        let signal: Int32
    }

    private static let visits = Mutex(0)

    private static let armed: Armed? = {
        guard let text = ProcessInfo.processInfo.environment["PREGAO_WAYPOINT"] else { return nil }
        let parts = text.split(separator: ":")
        guard let name = parts.first, let waypoint = Waypoint(rawValue: String(name)) else { return nil }
        let visit = parts.count > 2 ? Int(parts[1]) ?? 1 : 1
        return Armed(waypoint: waypoint, visit: visit, signal: parts.last == "freeze" ? SIGSTOP : SIGKILL)
    }()
}
