/// A change to be made in a transaction, which others may share.
struct WriteJob: Sendable {
    /// Tells the caller how it ended: nil once it is durable.
    typealias Finish = @Sendable (Fault?) -> Void

    enum Outcome {
        case accepted(Finish)
        /// It changed nothing that counts; the rest of the transaction goes on.
        case refused(Finish)
    }

    /// Whether it is a consumer's commit, which may be refused after it has changed something.
    let isCommit: Bool
    /// Bytes of messages in it.
    let weight: Int
    /// - Throws: what voids the whole transaction.
    let run: @Sendable (WriteSession) throws(Fault) -> Outcome
    let fail: @Sendable (Fault) -> Void
}

/// The thread that writes.
final class Writer: Sendable {
    private let queue: JobQueue<WriteJob>
    private let thread: WorkThread
    let epoch: String

    /// Opens the log on a thread of its own.
    static func start(_ options: WriteSession.Options, telling signal: Signal) async throws(Fault) -> Writer {
        let queue = JobQueue<WriteJob>()
        let (thread, epoch) = try await WorkThread.start("pregao.log.write") { () throws(Fault) in
            let session = try WriteSession(options)
            return (session, session.epoch)
        } run: { session in
            while let jobs = queue.takeAll() { session.execute(jobs, telling: signal) }
            session.finish()
        }
        return Writer(queue: queue, thread: thread, epoch: epoch)
    }

    private init(queue: JobQueue<WriteJob>, thread: WorkThread, epoch: String) {
        self.queue = queue
        self.thread = thread
        self.epoch = epoch
    }

    deinit { close() }

    /// Runs `body` in a transaction; returns once it is durable.
    func perform<Result: Sendable>(
        isCommit: Bool = false, weight: Int = 0,
        _ body: @escaping @Sendable (WriteSession) throws(Fault) -> Result
    ) async throws(Fault) -> Result {
        let result: Swift.Result<Result, Fault> = await withCheckedContinuation { continuation in
            let isTaken = queue.push(
                WriteJob(
                    isCommit: isCommit, weight: weight,
                    run: { session throws(Fault) in
                        do throws(Fault) {
                            let result = try body(session)
                            return .accepted { fault in
                                continuation.resume(returning: fault.map { .failure($0) } ?? .success(result))
                            }
                        } catch {
                            if error.voidsTransaction { throw error }
                            return .refused { _ in continuation.resume(returning: .failure(error)) }
                        }
                    },
                    fail: { continuation.resume(returning: .failure($0)) }))
            if !isTaken { continuation.resume(returning: .failure(.closed)) }
        }
        return try result.get()
    }

    /// Has `body` run in a transaction without waiting for it; `then` is told how it ended.
    func post(
        _ body: @escaping @Sendable (WriteSession) throws(Fault) -> Void, then: @escaping @Sendable (Fault?) -> Void
    ) {
        let isTaken = queue.push(
            WriteJob(
                isCommit: false, weight: 0,
                run: { session throws(Fault) in
                    try body(session)
                    return .accepted(then)
                },
                fail: then))
        if !isTaken { then(.closed) }
    }

    /// What was asked for before is still done.
    func close() { queue.close() }

    func ended() async { await thread.ended() }
}

extension Fault {
    static var closed: Fault { Fault(.closed, "the log was closed") }
}
