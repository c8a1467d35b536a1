import Foundation
import Synchronization

/// The thread that renews this process's leases and looks for what other processes wrote.
///
/// It is apart from the consumers' callers, who may be busy for longer than a lease; a process that is frozen as a whole
/// loses its leases nevertheless.
final class Heart: Sendable {
    /// One member's heartbeats.
    struct Beat: Hashable, Sendable { fileprivate let number: UInt64 }

    private struct State {
        var members: [Beat: Membership] = [:]
        var next: UInt64 = 0
        /// Renewals under way; another waits for them.
        var isRenewing = false
    }

    private let state = Mutex(State())
    /// Only wakes the thread.
    private let queue = JobQueue<Void>()
    private let writer: Writer
    private let signal: Signal

    static func start(
        path: String, settings: SQLiteLogSettings, writer: Writer, signal: Signal
    ) async throws(Fault) -> Heart {
        let heart = Heart(writer: writer, signal: signal)
        let opened: Result<Void, Fault> = await withCheckedContinuation { continuation in
            let thread = Thread {
                do throws(Fault) {
                    let connection = try Connection(path: path, mode: .existing, busyWait: settings.busyWait)
                    let version = try connection.prepare("PRAGMA data_version")
                    continuation.resume(returning: .success(()))
                    heart.run(version, settings)
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            thread.name = "pregao.log.heart"
            thread.start()
        }
        try opened.get()
        return heart
    }

    private init(writer: Writer, signal: Signal) {
        self.writer = writer
        self.signal = signal
    }

    func start(for membership: Membership) -> Beat {
        let beat = state.withLock { state in
            state.next += 1
            let beat = Beat(number: state.next)
            state.members[beat] = membership
            return beat
        }
        _ = queue.push(())
        return beat
    }

    func renew(_ beat: Beat, for membership: Membership) {
        state.withLock { state in
            if state.members[beat] != nil { state.members[beat] = membership }
        }
    }

    func stop(_ beat: Beat) { state.withLock { $0.members[beat] = nil } }

    func close() { queue.close() }

    private func run(_ version: Statement, _ settings: SQLiteLogSettings) {
        var seen: Int64 = -1
        var due = ContinuousClock.now + settings.heartbeat
        while true {
            // Without members there is nobody to renew for or to wake.
            let hasMembers = state.withLock { !$0.members.isEmpty }
            guard queue.takeAll(waitingAtMost: hasMembers ? settings.watch : nil) != nil else { return }
            // SQLite says that this number changes when another connection has committed.
            let current = (try? version.first([]) { $0.integer(0) }) ?? nil
            if current == nil || current != seen {
                seen = current ?? -1
                signal.raise()
            }
            if ContinuousClock.now >= due {
                due = ContinuousClock.now + settings.heartbeat
                renewLeases()
            }
        }
    }

    private func renewLeases() {
        let members = state.withLock { state -> [Membership] in
            guard !state.isRenewing, !state.members.isEmpty else { return [] }
            state.isRenewing = true
            return state.members.values.sorted { $0.generation < $1.generation }
        }
        guard !members.isEmpty else { return }
        writer.post({ session throws(Fault) in try session.renew(members) }) { [weak self] _ in
            // One that failed is tried again with the next beat; leases are made to outlast some.
            self?.state.withLock { $0.isRenewing = false }
        }
    }
}
