import HTTPServer

/// Turns a good quote into what a fault makes of it.
enum Spoiler {
    struct Spoilt {
        let status: Int
        var headers: [(name: String, value: String)] = []
        var contentType = "application/json; charset=utf-8"
        let body: [UInt8]
        /// Whether the connection closes after half of the body.
        var isCut = false
    }

    /// - Returns: nil where nothing is answered at all.
    static func spoil(
        _ good: CoinbaseFormat.Quote, with fault: Fault, plan: FaultPlan, style: MarketRoute.Style,
        lots: inout SplitMix64
    ) -> Spoilt? {
        switch fault {
        case .closed: return nil
        case .tooManyRequests: return tooManyRequests(style, retryAfterSeconds: plan.retryAfterSeconds)
        case .serverError: return Spoilt(status: 500, body: CoinbaseFormat.error(500, style))
        case .notFound: return Spoilt(status: 404, body: CoinbaseFormat.error(404, style))
        case .html: return Spoilt(status: 200, contentType: "text/html; charset=utf-8", body: page)
        case .cut: return Spoilt(status: 200, body: good.body, isCut: true)
        default: return Spoilt(status: 200, body: body(good, fault, plan, &lots))
        }
    }

    static func tooManyRequests(_ style: MarketRoute.Style, retryAfterSeconds: Int) -> Spoilt {
        Spoilt(
            status: 429, headers: [("Retry-After", String(retryAfterSeconds))], body: CoinbaseFormat.error(429, style))
    }

    private static let page = Array(
        "<!DOCTYPE html>\n<html><head><title>Just a moment…</title></head><body>We are back soon.</body></html>\n".utf8)

    private static func body(
        _ good: CoinbaseFormat.Quote, _ fault: Fault, _ plan: FaultPlan, _ lots: inout SplitMix64
    ) -> [UInt8] {
        switch fault {
        case .empty: return []
        case .truncated: return Array(good.body.prefix(1 + Int(lots.next() % UInt64(max(1, good.body.count - 1)))))
        case .malformed: return malformed(good.body, lots.next())
        case .null: return replacing(good, with: "null")
        case .wrongType: return replacing(good, with: pick(["true", "[\"1\"]", "{\"value\":\"1\"}"], &lots))
        case .notANumber: return replacing(good, with: pick(["\"NaN\"", "\"\"", "\"12,5\"", "\"Infinity\""], &lots))
        case .unfitNumber:
            return replacing(good, with: pick(["\"1e21\"", "\"0.1234567890123456789\"", "\"1e-30\""], &lots))
        case .duplicateKey:
            return replacing(good, with: "\"\(String(decoding: good.price, as: UTF8.self))\",\"\(good.key)\":\"1.00\"")
        case .notUTF8: return afterFirstByte(of: good.body, insert: notUTF8(in: good.body))
        case .nested:
            let depth = 4096
            return [UInt8](repeating: UInt8(ascii: "["), count: depth) + good.body
                + [UInt8](repeating: UInt8(ascii: "]"), count: depth)
        case .oversized:
            return good.body
                + [UInt8](repeating: UInt8(ascii: " "), count: max(0, plan.oversizedBytes - good.body.count))
        case .closed, .tooManyRequests, .serverError, .notFound, .html, .cut: return good.body
        }
    }

    private static func pick(_ choices: [String], _ lots: inout SplitMix64) -> String {
        choices[Int(lots.next() % UInt64(choices.count))]
    }

    private static func malformed(_ body: [UInt8], _ lot: UInt64) -> [UInt8] {
        switch lot % 3 {
        case 0: return afterFirstByte(of: body, insert: Array(",".utf8))
        case 1: return body + Array("}".utf8)
        default: return body.map { $0 == UInt8(ascii: "\"") ? UInt8(ascii: "'") : $0 }
        }
    }

    /// 0xC3 opens a character of two bytes, which 0x28 does not end (RFC 3629).
    private static func notUTF8(in body: [UInt8]) -> [UInt8] {
        let text: [UInt8] = [UInt8(ascii: "\""), 0xc3, 0x28, UInt8(ascii: "\"")]
        let isObject = body.first == UInt8(ascii: "{")
        return (isObject ? Array("\"note\":".utf8) : []) + text + Array(",".utf8)
    }

    private static func afterFirstByte(of body: [UInt8], insert: [UInt8]) -> [UInt8] {
        body.prefix(1) + insert + body.dropFirst()
    }

    /// Another value where the price stands, its quotes included; a candle's price has none.
    private static func replacing(_ good: CoinbaseFormat.Quote, with value: String) -> [UInt8] {
        let quote = [UInt8(ascii: "\"")]
        for literal in [quote + good.price + quote, good.price] {
            guard !literal.isEmpty, let start = good.body.firstRange(of: literal) else { continue }
            return good.body[..<start.lowerBound] + Array(value.utf8) + good.body[start.upperBound...]
        }
        return good.body
    }
}
