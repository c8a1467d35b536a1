import EventLog
import Feeds
import JSON
import MarketData

/// A message of `pregao.tasks.<feed>`: one task of a run, or the mark after a run's last task.
///
/// The topic has one partition, so that a run's tasks end in their order, and its mark after them all.
struct TaskMessage: Hashable, Sendable {
    enum Work: Hashable, Sendable {
        /// - Parameter number: from 0, in the run's order.
        case fetch(FeedTask, number: Int64)
        /// All tasks of the run have ended.
        case complete
    }

    static let group = Poller.group
    private static let version: Int64 = 1

    let run: String
    let feed: String
    let tasksTotal: Int64
    let requestedBy: String
    let work: Work

    /// To be declared as read by ``group``.
    static func topic(of feed: String) -> TopicDeclaration {
        TopicDeclaration(
            name: "pregao.tasks.\(feed)", partitions: 1,
            retention: Retention(.delete(age: .seconds(7 * 86_400), bytes: nil)))
    }

    var message: OutgoingMessage {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("version")
        writer.integer(Self.version)
        writer.name("run_id")
        writer.string(run)
        writer.name("feed")
        writer.string(feed)
        writer.name("requested_by")
        writer.string(requestedBy)
        writer.name("tasks_total")
        writer.integer(tasksTotal)
        var key = run
        switch work {
        case .complete:
            writer.name("kind")
            writer.string("complete")
        case .fetch(let task, let number):
            key = task.key
            writer.name("kind")
            writer.string("fetch")
            writer.name("number")
            writer.integer(number)
            task.write(to: &writer)
        }
        writer.endObject()
        return OutgoingMessage(topic: Self.topic(of: feed).name, key: Array(key.utf8), value: writer.bytes)
    }
}

extension TaskMessage {
    /// - Returns: nil where the bytes are not a task of this version.
    init?(parsing bytes: [UInt8]) {
        guard let json = try? JSONDocument(parsing: bytes).root, json["version"]?.int64 == Self.version,
            let run = json["run_id"]?.string, let feed = json["feed"]?.string,
            let total = json["tasks_total"]?.int64, let requestedBy = json["requested_by"]?.string
        else { return nil }
        let work: Work
        switch json["kind"]?.string {
        case "complete": work = .complete
        case "fetch":
            guard let number = json["number"]?.int64, let task = FeedTask(json) else { return nil }
            work = .fetch(task, number: number)
        default: return nil
        }
        self.init(run: run, feed: feed, tasksTotal: total, requestedBy: requestedBy, work: work)
    }
}
