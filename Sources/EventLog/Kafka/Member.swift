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
    let instance: String
    private let group: String
    private let settings: KafkaLogSettings
    private let end = Signal()

    /// Joins the group and starts the thread. Blocks.
    init(_ settings: KafkaLogSettings, group: String, instance: String, topics: [String]) throws(KafkaFault) {
        self.settings = settings
        self.group = group
        self.instance = instance
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

    /// How long a member that died may still be seen in the group.
    var longestSession: Duration { settings.sessionTimeout + .seconds(2) }

    /// Whether the group has another member under this instance's name, be it alive or of a session not yet over. Blocks.
    func hasTwin() throws(KafkaFault) -> Bool {
        // Unlike the newer request, it finds the group wherever its coordinator has moved to.
        var list: UnsafePointer<rd_kafka_group_list>?
        let code = rd_kafka_list_groups(consumer.pointer, group, &list, settings.requestTimeout.inMilliseconds)
        guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let list else { throw KafkaFault(code) }
        defer { rd_kafka_group_list_destroy(list) }
        let own = rd_kafka_memberid(consumer.pointer)
        defer { if let own { rd_kafka_mem_free(consumer.pointer, own) } }
        let ownID = own.map { String(cString: $0) }
        for group in UnsafeBufferPointer(start: list.pointee.groups, count: Int(list.pointee.group_cnt)) {
            guard group.err == RD_KAFKA_RESP_ERR_NO_ERROR else { throw KafkaFault(group.err) }
            for member in UnsafeBufferPointer(start: group.members, count: Int(group.member_cnt))
            where String(cString: member.client_id) == instance && String(cString: member.member_id) != ownID {
                return true
            }
        }
        return false
    }

    func ended() async { await end.raised(beyond: 0) }
}
