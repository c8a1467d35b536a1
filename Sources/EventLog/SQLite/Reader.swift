/// The thread that reads.
final class Reader: Sendable {
    private typealias Job = @Sendable (ReadSession) -> Void

    private let queue: JobQueue<Job>
    private let thread: WorkThread

    static func start(path: String, busyWait: Duration) async throws(Fault) -> Reader {
        let queue = JobQueue<Job>()
        let (thread, _) = try await WorkThread.start("pregao.log.read") { () throws(Fault) in
            (try ReadSession(path: path, busyWait: busyWait), ())
        } run: { session in
            while let jobs = queue.takeAll() {
                for job in jobs { job(session) }
            }
        }
        return Reader(queue: queue, thread: thread)
    }

    private init(queue: JobQueue<Job>, thread: WorkThread) {
        self.queue = queue
        self.thread = thread
    }

    deinit { close() }

    /// Runs `body` on one state of the log.
    func perform<Result: Sendable>(
        _ body: @escaping @Sendable (ReadSession) throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        let result: Swift.Result<Result, Fault> = await withCheckedContinuation { continuation in
            let isTaken = queue.push { session in
                do throws(Fault) {
                    let result = try session.snapshot(body)
                    continuation.resume(returning: .success(result))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    func close() { queue.close() }

    func ended() async { await thread.ended() }
}
