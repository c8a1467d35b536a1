import Foundation
import Runtime
import Synchronization

/// Recorded answers, served as they were recorded.
///
/// A file's name says what it answers: `v2_<spot|buy|sell>_<symbol>….json`, `…ticker_<symbol>….json`,
/// `…<symbol>_candles….json`; other files are left alone. Several of one symbol and series take turns by name.
final class Recordings: Sendable {
    private struct Key: Hashable {
        let symbol: String
        let series: Series
    }

    private final class Turn: Sendable {
        let quotes: [CoinbaseFormat.Quote]
        let next = Atomic(0)

        init(_ quotes: [CoinbaseFormat.Quote]) { self.quotes = quotes }
    }

    private let turns: [Key: Turn]

    init(folder: URL) throws(ExchangeError) {
        let doing = "read the recordings in \(folder.path)"
        var quotes: [Key: [CoinbaseFormat.Quote]] = [:]
        do {
            let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            for file in files.sorted(by: { $0.lastPathComponent < $1.lastPathComponent }) {
                guard let key = Self.key(of: file.lastPathComponent) else { continue }
                quotes[key, default: []].append(try Self.read(file, key.series))
            }
        } catch {
            throw ExchangeError(doing: doing, cause: plainWords(of: error))
        }
        guard !quotes.isEmpty else { throw ExchangeError(doing: doing, cause: "no file's name is a recording's") }
        turns = quotes.mapValues(Turn.init)
    }

    func next(_ route: MarketRoute) -> CoinbaseFormat.Quote? {
        guard let turn = turns[Key(symbol: route.symbol, series: route.series)] else { return nil }
        return turn.quotes[turn.next.wrappingAdd(1, ordering: .relaxed).oldValue % turn.quotes.count]
    }

    private static func key(of name: String) -> Key? {
        guard name.hasSuffix(".json") else { return nil }
        let words = name.dropLast(5).split(separator: "_")
        guard
            let symbol = words.first(where: { $0.contains("-") && $0 == $0.uppercased() && $0.first?.isLetter == true })
        else { return nil }
        let series = words.lazy.compactMap { Series(rawValue: String($0)) }.first
        return series.map { Key(symbol: String(symbol), series: $0) }
    }

    private struct RetailAnswer: Decodable {
        struct Data: Decodable { let amount: String }
        let data: Data
    }

    private struct Ticker: Decodable { let price: String }

    private static func read(_ file: URL, _ series: Series) throws -> CoinbaseFormat.Quote {
        let data = try Data(contentsOf: file)
        switch series {
        case .spot, .buy, .sell:
            let amount = try JSONDecoder().decode(RetailAnswer.self, from: data).data.amount
            return CoinbaseFormat.Quote(body: Array(data), price: Array(amount.utf8), key: "amount")
        case .ticker:
            let price = try JSONDecoder().decode(Ticker.self, from: data).price
            return CoinbaseFormat.Quote(body: Array(data), price: Array(price.utf8), key: "price")
        case .candles: return CoinbaseFormat.Quote(body: Array(data), price: [], key: "")
        }
    }
}
