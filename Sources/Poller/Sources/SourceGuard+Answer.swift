import Feeds
import MarketData

extension SourceGuard.Outcome {
    init(_ result: TransferResult, now: Instant) {
        switch result {
        case .failed(let fault): self = fault.reason == .tooLarge ? .healthy : .failed
        case .answered(let answer, let retryAfter):
            let wait = retryAfter.flatMap { RetryAfter.microseconds($0, now: now) }
            switch answer.status {
            case 429: self = .throttled(retryAfter: wait)
            case 503 where wait != nil: self = .throttled(retryAfter: wait)
            case 500...: self = .failed
            default: self = .healthy
            }
        }
    }
}
