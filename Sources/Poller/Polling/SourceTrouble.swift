import Feeds

/// Whether a source gives quotes at all, and when to say so: after some seconds without any, then once a minute, and
/// when they come again. Times are the monotonic clock's, in microseconds.
struct SourceTrouble {
    enum News {
        case trouble(seconds: Int64, last: AnswerFault, url: String)
        case over
    }

    static let patience: Int64 = 5_000_000
    static let repetition: Int64 = 60_000_000

    private var missingSince: Int64?
    private var last: (fault: AnswerFault, url: String)?
    private var toldAt: Int64?
    private var isOver = false

    mutating func missed(_ fault: AnswerFault, url: String, at time: Int64) {
        if missingSince == nil { missingSince = time }
        last = (fault, url)
    }

    mutating func quoted() {
        guard missingSince != nil else { return }
        isOver = toldAt != nil
        missingSince = nil
        last = nil
        toldAt = nil
    }

    mutating func news(at time: Int64) -> News? {
        if isOver {
            isOver = false
            return .over
        }
        guard let missingSince, let last, time - missingSince >= Self.patience,
            toldAt.map({ time - $0 >= Self.repetition }) ?? true
        else { return nil }
        toldAt = time
        return .trouble(seconds: (time - missingSince) / 1_000_000, last: last.fault, url: last.url)
    }
}
