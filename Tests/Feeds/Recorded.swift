import Feeds
import Foundation
import MarketData

/// Recorded answers, and polls to give them to.
enum Recorded {
    static func coinbase(_ name: String) throws -> [UInt8] {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        return Array(try Data(contentsOf: folder.appending(path: "Payloads/coinbase/\(name)")))
    }

    static let due = Instant(microseconds: 1_700_000_000_000_000)
    static let observed = due.adding(microseconds: 150_000)

    static func poll(_ symbol: String, _ priceType: String) -> Poll {
        Poll(
            series: Series(symbol: symbol, priceType: priceType), scheduledAt: due, interval: 1_000_000,
            observedAt: observed)
    }
}

extension PolledFeed {
    func read(
        _ body: [UInt8], status: Int = 200, symbol: String = "BTC-USD", priceType: String = "spot"
    ) -> Result<[Observation], AnswerFault> {
        body.withUnsafeBytes { read(Answer(status: status, body: $0), to: Recorded.poll(symbol, priceType)) }
    }
}

extension Result where Failure == AnswerFault {
    var reason: GapReason? {
        if case .failure(let fault) = self { fault.reason } else { nil }
    }
}
