import MarketData

/// Slots of one series without a quote, one after the other, and why.
struct MissingSlots: Hashable, Sendable {
    let series: Int
    /// The first missing slot's start, and the last one's end.
    var from: Instant
    var to: Instant
    let reason: GapReason
    /// What was seen, in a sentence; the first answer's, where there were several.
    var detail: String?
    /// Requests made for these slots.
    var tries: Int
}
