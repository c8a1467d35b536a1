import Foundation
import HTTPServer
import MarketData
import Runtime

extension Exchange {
    func answer(_ request: HTTPRequest) -> HTTPAnswer {
        switch Route(path: request.path) {
        case .market(let route): return answer(request, route)
        case .faults: return .now(answerFaults(request))
        case .journal: return .now(answerJournal(request))
        case .ready: return .now(HTTPResponse(status: 204, body: .bytes([])))
        case .unknown:
            return .now(HTTPResponse(status: 404, contentType: Self.json, CoinbaseFormat.error(404, .retail)))
        }
    }

    static let json = "application/json; charset=utf-8"

    private func answer(_ request: HTTPRequest, _ route: MarketRoute) -> HTTPAnswer {
        guard request.method == "GET" || request.method == "HEAD" else {
            return .now(HTTPResponse(status: 405, headers: [("Allow", "GET, HEAD")], body: .bytes([])))
        }
        let serial = takeSerial()
        let lots = currentLots
        guard let delay = lots.delay(of: serial) else { return answerNow(request, route, serial, lots) }
        return .later {
            try? await Task.sleep(for: delay)
            return self.answerNow(request, route, serial, lots)
        }
    }

    private func answerNow(_ request: HTTPRequest, _ route: MarketRoute, _ serial: UInt64, _ lots: FaultLots)
        -> HTTPAnswer
    {
        let now = settings.clock.now()
        var entry = Journal.Entry(
            serial: serial, time: now, method: request.method, target: request.target, symbol: route.symbol,
            series: route.series)
        var random = SplitMix64(seed: settings.seed, serial)
        if let rateLimiter, !rateLimiter.admits(request.client, at: now) {
            entry.fault = .tooManyRequests
            let refusal = Spoiler.tooManyRequests(route.style, retryAfterSeconds: lots.plan.retryAfterSeconds)
            return send(refusal, entry)
        }
        let fault = lots.fault(of: serial, symbol: route.symbol)
        let good: CoinbaseFormat.Quote
        switch quote(request, route, serial, lots.plan, &random) {
        case .quote(let quote): good = quote
        case .refusal(let status, let body):
            guard fault == nil || fault == .notFound else {
                good = CoinbaseFormat.Quote(body: body, price: [], key: "")
                break
            }
            entry.fault = fault
            return send(Spoiler.Spoilt(status: status, body: body), entry)
        }
        guard let fault else {
            entry.price = good.price.isEmpty ? nil : good.price
            return send(Spoiler.Spoilt(status: 200, body: good.body), entry)
        }
        entry.fault = fault
        guard let spoilt = Spoiler.spoil(good, with: fault, plan: lots.plan, style: route.style, lots: &random) else {
            journal?.append(entry)
            return .close
        }
        if !good.price.isEmpty, spoilt.body.firstRange(of: good.price) != nil { entry.price = good.price }
        return send(spoilt, entry)
    }

    private func send(_ answer: Spoiler.Spoilt, _ entry: Journal.Entry) -> HTTPAnswer {
        var entry = entry
        entry.status = answer.status
        let half = Array(answer.body.prefix(answer.body.count / 2))
        entry.bytes = answer.isCut ? half.count : answer.body.count
        // Before it is sent: whoever has an answer finds it in the journal.
        journal?.append(entry)
        return .now(
            HTTPResponse(
                status: answer.status, headers: [("Content-Type", answer.contentType)] + answer.headers,
                body: answer.isCut ? .cut(half, announcedLength: answer.body.count) : .bytes(answer.body)))
    }

    private enum Offer {
        case quote(CoinbaseFormat.Quote)
        case refusal(status: Int, body: [UInt8])
    }

    private func quote(
        _ request: HTTPRequest, _ route: MarketRoute, _ serial: UInt64, _ plan: FaultPlan, _ random: inout SplitMix64
    ) -> Offer {
        guard isKnown(route.symbol) else {
            return .refusal(status: 404, body: CoinbaseFormat.error(404, route.style))
        }
        if let recordings {
            return recordings.next(route).map(Offer.quote)
                ?? .refusal(status: 404, body: CoinbaseFormat.error(404, route.style))
        }
        switch route.series {
        case .spot, .buy, .sell:
            let price = market.price(of: route.symbol, route.series, serial: serial)
            return .quote(
                CoinbaseFormat.price(CoinbaseFormat.text(price), symbol: route.symbol, variant: random.next()))
        case .ticker:
            let price = market.price(of: route.symbol, route.series, serial: serial)
            let time = settings.clock.now().adding(microseconds: Int64(plan.clockSkewMilliseconds) * 1000)
            return .quote(CoinbaseFormat.ticker(price, tradeID: serial + 1, time: time, lots: &random))
        case .candles:
            do throws(CandleRequest.Refusal) {
                let asked = try CandleRequest(request.query, now: settings.clock.now())
                let candles = asked.candles(seed: settings.seed, symbol: route.symbol)
                let close = candles.first.map { CoinbaseFormat.number($0.close, decimals: 2) } ?? []
                return .quote(
                    CoinbaseFormat.Quote(body: CoinbaseFormat.candles(candles), price: close, key: "close"))
            } catch {
                return .refusal(status: 400, body: Array(#"{"message":"\#(error.message)"}"#.utf8))
            }
        }
    }

    private func isKnown(_ symbol: String) -> Bool {
        if let symbols = settings.symbols { return symbols.contains(symbol) }
        let parts = symbol.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        return parts.count == 2
            && parts.allSatisfy { part in
                (1...16).contains(part.count)
                    && part.allSatisfy {
                        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    }
            }
    }
}
