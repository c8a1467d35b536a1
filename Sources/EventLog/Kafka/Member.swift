import CRdKafka
import EventLog
import Foundation
import Synchronization

/// A member's consumer, served by a thread of its own, so that a busy caller stays a member. What it decides is in
/// ``MemberMachine``; here it is done.
final class Member: Sendable {
    let consumer: Client
    let machine = Mutex(MemberMachine())
    /// Raised when the caller may have something to hear.
    let signal = Signal()
    private let settings: KafkaLogSettings
    private let end = Signal()

    /// Joins the group and starts the thread. Blocks.
    init(_ settings: KafkaLogSettings, group: String, instance: String, topics: [String]) throws(KafkaFault) {
        self.settings = settings
        consumer = try Client(
            RD_KAFKA_CONSUMER, .member(settings, group: group, instance: instance), report: settings.report)
        consumer.context.beginJoining()
        let list = PartitionList(topics: topics)
        let code = rd_kafka_subscribe(consumer.pointer, list.pointer)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFault(code) }
        let thread = Thread { [self] in
            var session = MemberSession(self, settings)
            session.run()
            end.raise()
        }
        thread.name = "kafka \(instance)"
        thread.start()
    }

    /// Makes the thread look again.
    func wake() { consumer.context.news.signal() }

    /// Ends the membership; the thread leaves the group and ends.
    func stop(_ reason: MemberMachine.End) {
        machine.withLock { $0.end(reason) }
        signal.raise()
        wake()
    }

    func ended() async { await end.raised(beyond: 0) }
}
