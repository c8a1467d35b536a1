import EventLog
import Feeds
import JSON
import MarketData

/// A row of the dataset `runs`.
struct RunEvent: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        /// - Parameter detail: the request in full.
        case requested(detail: String)
        case succeeded(FeedTask, rows: Int, tasksLeft: Int64)
        case failed(FeedTask, why: String, tasksLeft: Int64)
        /// - Parameter reaches: the end of each data partition when the last row was in it.
        case completed(reaches: [TopicPartition: Offset])
    }

    let run: String
    let feed: String
    let requestedBy: String
    let tasksTotal: Int64
    let kind: Kind

    func message(at time: Instant) throws(ObservationFault) -> OutgoingMessage {
        var values: [String: Value] = [
            "run_id": .text(run), "feed": .text(feed), "requested_by": .text(requestedBy),
            "tasks_total": .integer(tasksTotal), "observed_at": .instant(time),
        ]
        switch kind {
        case .requested(let detail):
            values["event"] = .text("requested")
            values["tasks_left"] = .integer(tasksTotal)
            values["detail"] = .text(detail)
        case .succeeded(let task, let rows, let left):
            values["event"] = .text("task-succeeded")
            values["task_key"] = .text(task.key)
            values["tasks_left"] = .integer(left)
            values["rows"] = .integer(Int64(rows))
            values["detail"] = .text(task.json)
        case .failed(let task, let why, let left):
            values["event"] = .text("task-failed")
            values["task_key"] = .text(task.key)
            values["tasks_left"] = .integer(left)
            values["detail"] = .text(why)
        case .completed(let reaches):
            values["event"] = .text("completed")
            values["tasks_left"] = .integer(0)
            values["reaches"] = .text(Self.json(reaches))
        }
        let observation = try Observation(Datasets.runs, values)
        return OutgoingMessage(topic: Datasets.runs.topic, key: Array(run.utf8), value: observation.json())
    }

    /// `{"pregao.bars/0":1200}`
    private static func json(_ reaches: [TopicPartition: Offset]) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        for (partition, offset) in reaches.sorted(by: { $0.key < $1.key }) {
            writer.name(partition.description)
            writer.integer(offset)
        }
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}

extension FeedTask {
    var json: String {
        var writer = JSONWriter()
        writer.beginObject()
        write(to: &writer)
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
