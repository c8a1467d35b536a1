import MarketData
import Synchronization

/// Quotes and gaps on their way to the log, bounded: where the log is slower than the sources, the oldest quote makes
/// room for the newest, and its slot becomes a gap. Gaps merge, and are never dropped.
struct OutboxState: Sendable {
    struct Quote: Sendable {
        let series: Int
        let slot: Range<Instant>
        let tries: Int
        let value: [UInt8]
    }

    /// What one append takes.
    struct Batch: Sendable {
        var quotes: [Quote] = []
        var gaps: [MissingSlots] = []

        var isEmpty: Bool { quotes.isEmpty && gaps.isEmpty }
    }

    private var quotes: [Quote] = []
    /// The first waiting quote's index; what is before it was taken.
    private var head = 0
    private var byteCount = 0
    private var merger: GapMerger
    private let maximumQuotes: Int
    private let maximumBytes: Int
    private(set) var dropped = 0

    init(maximumQuotes: Int, maximumBytes: Int, longestOpenGap: Int64) {
        self.maximumQuotes = maximumQuotes
        self.maximumBytes = maximumBytes
        merger = GapMerger(longestOpen: longestOpenGap)
    }

    var waitingQuotes: Int { quotes.count - head }
    var waitingBytes: Int { byteCount }
    var hasNothing: Bool { waitingQuotes == 0 && merger.isEmpty }

    mutating func put(_ quote: Quote, at time: Int64) {
        merger.filled(quote.series, from: quote.slot.lowerBound)
        quotes.append(quote)
        byteCount += quote.value.count
        dropOldest(at: time)
    }

    mutating func put(_ missing: MissingSlots, at time: Int64) { merger.add(missing, at: time) }

    /// Which gaps an append takes.
    enum GapChoice: Sendable {
        /// None, since others still have to be appended; those that wait merge meanwhile.
        case none
        /// Those that are closed or have been open for long enough.
        case due
        /// Also those that are still open.
        case all
    }

    mutating func take(atMost count: Int, bytes: Int, gaps: GapChoice, at time: Int64) -> Batch {
        var batch = Batch()
        var taken = 0
        while head < quotes.count, batch.quotes.count < count, taken < bytes {
            taken += quotes[head].value.count
            batch.quotes.append(quotes[head])
            head += 1
        }
        byteCount -= taken
        compact()
        switch gaps {
        case .none: break
        case .due: batch.gaps = merger.takeDue(at: time)
        case .all: batch.gaps = merger.takeAll()
        }
        return batch
    }

    /// Quotes that the log refused wait again, before all others.
    mutating func putBack(_ refused: [Quote], at time: Int64) {
        quotes.replaceSubrange(0..<head, with: refused)
        head = 0
        byteCount += refused.reduce(0) { $0 + $1.value.count }
        dropOldest(at: time)
    }

    private mutating func dropOldest(at time: Int64) {
        while waitingQuotes > maximumQuotes || (byteCount > maximumBytes && waitingQuotes > 0) {
            let oldest = quotes[head]
            head += 1
            byteCount -= oldest.value.count
            dropped += 1
            merger.add(
                MissingSlots(
                    series: oldest.series, from: oldest.slot.lowerBound, to: oldest.slot.upperBound,
                    reason: .tooManyWaiting, detail: "the log takes less than is polled", tries: oldest.tries),
                at: time)
        }
        compact()
    }

    private mutating func compact() {
        guard head > 1024, head * 2 > quotes.count else { return }
        quotes.removeFirst(head)
        head = 0
    }
}
