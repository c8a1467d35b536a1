import Exchange
import Foundation
import FoundationNetworking
import MarketData
import Runtime

/// A started exchange with a journal in a folder of its own, and a client.
struct ExchangeUnderTest {
    struct Answer: Equatable {
        let status: Int
        let headers: [String: String]
        let body: [UInt8]

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    /// A line of the journal.
    struct Line: Decodable, Equatable {
        let serial: UInt64
        let time: Int64
        let method: String
        let path: String
        let symbol: String
        let series: String
        let status: Int?
        let fault: String?
        let price: String?
        let bytes: Int
    }

    struct FixedClock: WallClock {
        let instant: Instant
        func now() -> Instant { instant }
    }

    static let noon = Instant(microseconds: 1_795_262_400_000_000)

    let exchange: Exchange

    static func run(
        _ faults: FaultPlan = FaultPlan(), seed: UInt64 = 1, adjusting: (inout ExchangeSettings) -> Void = { _ in },
        _ body: (ExchangeUnderTest) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "exchange-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var settings = ExchangeSettings(
            seed: seed, faults: faults, journal: folder.appending(path: "journal.jsonl"),
            clock: FixedClock(instant: noon))
        adjusting(&settings)
        let exchange = try Exchange(settings)
        try exchange.start()
        try await body(ExchangeUnderTest(exchange: exchange))
        try await exchange.stop()
    }

    /// - Throws: URLError where the connection closes early.
    func get(_ target: String, method: String = "GET", body: String? = nil) async throws -> Answer {
        guard let url = URL(string: exchange.baseURL + target) else { throw URLError(.badURL) }
        var request = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData)
        request.httpMethod = method
        request.httpBody = body.map { Data($0.utf8) }
        let (data, response) = try await URLSession(configuration: .ephemeral).data(for: request)
        guard let response = response as? HTTPURLResponse else { throw URLError(.badServerResponse) }
        let headers = response.allHeaderFields.map { ("\($0.key)".lowercased(), "\($0.value)") }
        return Answer(
            status: response.statusCode, headers: Dictionary(headers, uniquingKeysWith: { $1 }), body: Array(data))
    }

    func journal() async throws -> [Line] {
        try await get("/-/journal").text.split(separator: "\n").map {
            try JSONDecoder().decode(Line.self, from: Data($0.utf8))
        }
    }
}
