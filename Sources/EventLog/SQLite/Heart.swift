import Synchronization

/// The thread that renews this process's leases and looks for what other processes wrote.
///
/// It is apart from the consumers' callers, who may be busy for longer than a lease; a process that is frozen as a whole
/// loses its leases nevertheless.
final class Heart: Sendable {
    /// One member's heartbeats.
    struct Beat: Hashable, Sendable { fileprivate let number: UInt64 }

    private let members: LiveMembers
    private let thread: WorkThread

    static func start(
        path: String, settings: SQLiteLogSettings, writer: Writer, signal: Signal
    ) async throws(Fault) -> Heart {
        let members = LiveMembers()
        let (thread, _) = try await WorkThread.start("pregao.log.heart") { () throws(Fault) in
            (StatementCache(try Connection(path: path, mode: .existing, busyWait: settings.busyWait)), ())
        } run: { statements in
            run(members, statements, settings, writer, signal)
        }
        return Heart(members: members, thread: thread)
    }

    private init(members: LiveMembers, thread: WorkThread) {
        self.members = members
        self.thread = thread
    }

    deinit { close() }

    func start(for membership: Membership) -> Beat { members.add(membership) }

    func renew(_ beat: Beat, for membership: Membership) { members.replace(beat, by: membership) }

    func stop(_ beat: Beat) { members.remove(beat) }

    func close() { members.news.close() }

    func ended() async { await thread.ended() }

    private static func run(
        _ members: LiveMembers, _ statements: StatementCache, _ settings: SQLiteLogSettings, _ writer: Writer,
        _ signal: Signal
    ) {
        var seen: Int64 = -1
        var due = ContinuousClock.now + settings.heartbeat
        // Without members there is nobody to renew for or to wake.
        while members.news.takeAll(waitingAtMost: members.isEmpty ? nil : settings.watch) != nil {
            // SQLite says that this number changes when another connection has committed.
            let current = (try? statements["PRAGMA data_version"].first([]) { $0.integer(0) }) ?? -1
            if current == -1 || current != seen {
                seen = current
                signal.raise()
            }
            guard ContinuousClock.now >= due else { continue }
            due = ContinuousClock.now + settings.heartbeat
            renewLeases(of: members, through: writer)
        }
    }

    private static func renewLeases(of members: LiveMembers, through writer: Writer) {
        let memberships = members.beginRenewal()
        guard !memberships.isEmpty else { return }
        writer.post({ session throws(Fault) in try session.renew(memberships) }) { _ in
            // One that failed is tried again with the next beat; leases are made to outlast some.
            members.endRenewal()
        }
    }

    /// The members of this process.
    private final class LiveMembers: Sendable {
        private struct State {
            var members: [Beat: Membership] = [:]
            var next: UInt64 = 0
            /// Another renewal waits until the last one is through.
            var isRenewing = false
        }

        private let state = Mutex(State())
        /// Wakes the thread.
        let news = JobQueue<Void>()

        var isEmpty: Bool { state.withLock { $0.members.isEmpty } }

        func add(_ membership: Membership) -> Beat {
            let beat = state.withLock { state in
                state.next += 1
                let beat = Beat(number: state.next)
                state.members[beat] = membership
                return beat
            }
            _ = news.push(())
            return beat
        }

        func replace(_ beat: Beat, by membership: Membership) {
            state.withLock { state in
                if state.members[beat] != nil { state.members[beat] = membership }
            }
        }

        func remove(_ beat: Beat) { state.withLock { $0.members[beat] = nil } }

        func beginRenewal() -> [Membership] {
            state.withLock { state in
                guard !state.isRenewing, !state.members.isEmpty else { return [] }
                state.isRenewing = true
                return state.members.values.sorted { $0.generation < $1.generation }
            }
        }

        func endRenewal() { state.withLock { $0.isRenewing = false } }
    }
}
