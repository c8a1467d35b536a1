import EventLog
import JSON
import Lake
import MarketData
import Runtime

extension FlusherParts {
    /// The row of `gaps` for a range that retention took; nil for any other. It goes into the commit that announces the
    /// range, so that each has one.
    func gap(of object: FinishedObject, in source: TopicPartition, epoch: String, at now: Instant) -> OutgoingMessage? {
        guard object.summary.emptyReason == .lostToRetention else { return nil }
        let (after, before) = (object.summary.lostAfter, object.summary.lostBefore)
        let place = "\(source)"
        let end = before ?? now
        do throws(ObservationFault) {
            let observation = try Observation(
                Datasets.gaps,
                [
                    "feed": .text(datasets.first { $0.topic == source.topic }?.name ?? source.topic),
                    "symbol": .text(place),
                    // What is not known narrows the gap to what is.
                    "from_time": .instant(after ?? end), "to_time": .instant(end),
                    "reason": .text(GapReason.lostToRetention.rawValue),
                    "detail": .text(Self.detail(object.range, epoch: epoch, after: after, before: before)),
                    "tries": .integer(0), "observed_at": .instant(now),
                ])
            return OutgoingMessage(topic: Datasets.gaps.topic, key: Array(place.utf8), value: observation.json())
        } catch {
            logger.error(
                "messages lost to retention cannot be recorded as a gap",
                ["fault": error, "partition": source, "from": object.range.lowerBound, "to": object.range.upperBound])
            return nil
        }
    }

    private static func detail(_ range: Range<Offset>, epoch: String, after: Instant?, before: Instant?) -> String {
        "offsets \(range.lowerBound) to \(range.upperBound - 1) of epoch \(epoch), taken into the log"
            + " \(after.map { "after \($0)" } ?? "from an unknown time on"),"
            + " \(before.map { "before \($0)" } ?? "and nothing since")"
    }
}
