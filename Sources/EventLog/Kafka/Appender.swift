import EventLog
import Foundation

/// Appends outside of any group. What is asked for at the same time shares a transaction.
final class Appender: Sendable {
    private struct Request: Sendable {
        let messages: [OutgoingMessage]
        let weight: Int
        let done: CheckedContinuation<Result<[LogPosition], KafkaFault>, Never>
    }

    private let requests = JobQueue<Request>()
    private let end = Signal()
    private let stopping = StopFlag()
    private let directory: TopicDirectory
    private let written: OwnWrites
    private let settings: KafkaLogSettings
    private let transactionalID: String
    /// The most that shares a transaction, in bytes, unless one append alone has more.
    private let sharedBytes = 8 << 20

    init(transactionalID: String, _ directory: TopicDirectory, _ written: OwnWrites, _ settings: KafkaLogSettings) {
        self.transactionalID = transactionalID
        self.directory = directory
        self.written = written
        self.settings = settings
        let thread = Thread { [self] in
            serve()
            end.raise()
        }
        thread.name = "kafka appends"
        thread.start()
    }

    func append(_ messages: [OutgoingMessage]) async throws(KafkaFault) -> [LogPosition] {
        let weight = messages.reduce(0) { $0 + $1.weight }
        let answer: Result<[LogPosition], KafkaFault> = await withCheckedContinuation { continuation in
            if !requests.push(Request(messages: messages, weight: weight, done: continuation)) {
                continuation.resume(returning: .failure(KafkaFault(.closed, "the log is closed")))
            }
        }
        return try answer.get()
    }

    /// Ends what waits for the cluster; what waits then was not appended.
    func close() async {
        stopping.set()
        requests.close()
        await end.raised(beyond: 0)
    }

    private func serve() {
        // Made with the first append: a log that is only read needs none.
        var producer: TransactionalProducer?
        while let taken = requests.takeAll() {
            // Asked once for each: the answer may change while others are appended.
            var sound: [Request] = []
            for request in taken {
                if let fault = fault(of: request) {
                    request.done.resume(returning: .failure(fault))
                } else {
                    sound.append(request)
                }
            }
            var waiting = sound[...]
            while !waiting.isEmpty {
                var weight = 0
                let together = waiting.prefix { request in
                    weight += request.weight
                    return weight <= sharedBytes
                }
                let turn = together.isEmpty ? waiting.prefix(1) : together
                waiting = waiting.dropFirst(turn.count)
                switch perform(Array(turn), &producer) {
                case .success(let positions):
                    for (request, positions) in zip(turn, positions) {
                        request.done.resume(returning: .success(positions))
                    }
                case .failure(let fault): for request in turn { request.done.resume(returning: .failure(fault)) }
                }
            }
        }
    }

    /// What would void a transaction, and with it the appends of others.
    private func fault(of request: Request) -> KafkaFault? {
        do throws(KafkaFault) {
            for message in request.messages {
                guard !stopping.isSet else { throw KafkaFault(.closed, "the log is closed") }
                try message.checkSize(atMost: settings.maximumMessageBytes)
                _ = try directory.partitions(of: message.topic, unless: stopping)
            }
            return nil
        } catch {
            return error
        }
    }

    private func perform(_ requests: [Request], _ producer: inout TransactionalProducer?)
        -> Result<[[LogPosition]], KafkaFault>
    {
        do throws(KafkaFault) {
            let active: TransactionalProducer
            if let producer {
                active = producer
            } else {
                active = try TransactionalProducer(
                    transactionalID: transactionalID, directory, settings, stopping: stopping)
                producer = active
            }
            let stored = try active.run(requests.flatMap(\.messages))
            written.note(stored)
            var positions = stored[...]
            return .success(
                requests.map { request in
                    defer { positions = positions.dropFirst(request.messages.count) }
                    return Array(positions.prefix(request.messages.count))
                })
        } catch {
            // A new one takes the same id: the cluster first ends what this one left open.
            if error.isFatal { producer = nil }
            return .failure(error)
        }
    }
}
