import EventLog
import Foundation

/// A thread of the log's own, since librdkafka's calls block. Its session is made on it and never leaves it.
final class Lane<Session>: Sendable {
    private let jobs = JobQueue<@Sendable (Session) -> Void>()
    private let end = Signal()

    private init() {}

    static func start(
        _ name: String, _ make: @escaping @Sendable () throws(KafkaFault) -> Session
    ) async throws(KafkaFault) -> Lane<Session> {
        let lane = Lane<Session>()
        let made: Result<Void, KafkaFault> = await withCheckedContinuation { continuation in
            let thread = Thread {
                do throws(KafkaFault) {
                    let session = try make()
                    continuation.resume(returning: .success(()))
                    while let jobs = lane.jobs.takeAll() { for job in jobs { job(session) } }
                } catch {
                    continuation.resume(returning: .failure(error))
                }
                lane.end.raise()
            }
            thread.name = name
            thread.start()
        }
        try made.get()
        return lane
    }

    func perform<Answer: Sendable>(
        _ body: @escaping @Sendable (Session) throws(KafkaFault) -> Answer
    ) async throws(KafkaFault) -> Answer {
        let answer: Result<Answer, KafkaFault> = await withCheckedContinuation { continuation in
            let isTaken = jobs.push { session in
                do throws(KafkaFault) {
                    continuation.resume(returning: .success(try body(session)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
            if !isTaken { continuation.resume(returning: .failure(KafkaFault(.closed, "the log is closed"))) }
        }
        return try answer.get()
    }

    /// What was asked for before is still done.
    func close() { jobs.close() }

    func ended() async { await end.raised(beyond: 0) }
}
