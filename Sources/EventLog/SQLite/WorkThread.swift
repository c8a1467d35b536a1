import Foundation

/// A thread of the log's own, since SQLite's calls block for as long as the disk does. What it works on never leaves it.
final class WorkThread: Sendable {
    private let end = Signal()

    private init() {}

    /// Runs `open` on a new thread and returns what it tells; then `run`, until that returns.
    static func start<Session, Told: Sendable>(
        _ name: String, open: @escaping @Sendable () throws(Fault) -> (Session, Told),
        run: @escaping @Sendable (Session) -> Void
    ) async throws(Fault) -> (thread: WorkThread, told: Told) {
        let work = WorkThread()
        let opened: Result<Told, Fault> = await withCheckedContinuation { continuation in
            let thread = Thread {
                do throws(Fault) {
                    let (session, told) = try open()
                    continuation.resume(returning: .success(told))
                    run(session)
                } catch {
                    continuation.resume(returning: .failure(error))
                }
                work.end.raise()
            }
            thread.name = name
            thread.start()
        }
        return (work, try opened.get())
    }

    /// Returns when the thread has ended, and with it all that it held.
    func ended() async { await end.raised(beyond: 0) }
}
