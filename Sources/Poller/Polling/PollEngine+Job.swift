import Feeds
import MarketData

extension PollEngine {
    /// One poll of one slot, from its start to its quote or gap.
    struct Pending {
        let series: Int
        let slot: Range<Instant>
        /// The slot's start and end by the monotonic clock.
        let due: Int64
        let deadline: Int64
        var tries = 0
        /// What the last try met.
        var fault: AnswerFault?
    }

    enum Job {
        case poll(Pending)
        case fetch(Fetch)
    }
}
