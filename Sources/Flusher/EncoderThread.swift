import Dispatch

/// Runs encoders' work one piece after the other on a thread of its own, so that compressing a large object keeps
/// nobody who polls, commits or renews a lease waiting for a thread of Swift's pool.
final class EncoderThread: SerialExecutor {
    private let queue: DispatchQueue

    init(number: Int) { queue = DispatchQueue(label: "pregao.flusher.encoder-\(number)") }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { job.runSynchronously(on: self.asUnownedSerialExecutor()) }
    }

    func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }
}
