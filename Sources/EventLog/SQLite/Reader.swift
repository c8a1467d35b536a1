import Foundation

/// The thread that reads.
final class Reader: Sendable {
    private typealias Job = @Sendable (ReadSession) -> Void

    private let queue: JobQueue<Job>

    static func start(path: String, busyWait: Duration) async throws(Fault) -> Reader {
        let queue = JobQueue<Job>()
        let opened: Result<Void, Fault> = await withCheckedContinuation { continuation in
            let thread = Thread {
                do throws(Fault) {
                    let session = try ReadSession(path: path, busyWait: busyWait)
                    continuation.resume(returning: .success(()))
                    while let jobs = queue.takeAll() {
                        for job in jobs { job(session) }
                    }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            thread.name = "pregao.log.read"
            thread.start()
        }
        try opened.get()
        return Reader(queue: queue)
    }

    private init(queue: JobQueue<Job>) { self.queue = queue }

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
}
