import Exchange
import Foundation
import FoundationNetworking
import MarketData
import Testing

@Suite("Exchange: faults", .timeLimit(.minutes(1)))
struct FaultTests {
    private static let target = "/v2/prices/BTC-USD/spot"

    /// What a client can see of an answer.
    enum Observation: Equatable {
        case status(Int)
        case connectionLost
        case notJSON
        case amount(String)
        case longerThan(Int)
    }

    private static func observe(_ under: ExchangeUnderTest) async throws -> Observation {
        let answer: ExchangeUnderTest.Answer
        do { answer = try await under.get(target) } catch is URLError { return .connectionLost }
        guard answer.status == 200 else { return .status(answer.status) }
        if answer.body.count > 1_000_000 { return .longerThan(1_000_000) }
        // Foundation's reader goes deeper than 512 arrays nowhere.
        guard let json = try? JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any] else {
            return .notJSON
        }
        guard let data = json["data"] as? [String: Any], let amount = data["amount"] else { return .amount("absent") }
        if amount is NSNull { return .amount("null") }
        guard let text = amount as? String else { return .amount("no string") }
        return .amount(text)
    }

    @Test(
        "each fault shows",
        arguments: [
            (.tooManyRequests, .status(429)), (.serverError, .status(500)), (.notFound, .status(404)),
            (.closed, .connectionLost), (.cut, .connectionLost), (.empty, .notJSON), (.html, .notJSON),
            (.truncated, .notJSON), (.malformed, .notJSON), (.null, .amount("null")),
            (.wrongType, .amount("no string")),
            (.notUTF8, .notJSON), (.nested, .notJSON), (.oversized, .longerThan(1_000_000)),
        ] as [(Fault, Observation)])
    func shows(fault: Fault, observation: Observation) async throws {
        try await ExchangeUnderTest.run(FaultPlan(rates: [fault: 1])) { under async throws in
            #expect(try await Self.observe(under) == observation)
            #expect(try await under.journal().map(\.fault).allSatisfy { $0 == fault.rawValue })
        }
    }

    @Test("a price that is no number, does not fit, or stands twice, shows in the text")
    func texts() async throws {
        try await ExchangeUnderTest.run(FaultPlan(script: [.notANumber, .unfitNumber, .duplicateKey])) {
            under async throws in
            let notANumber = try await under.get(Self.target).text
            #expect(
                ["\"NaN\"", "\"\"", "\"12,5\"", "\"Infinity\""].contains { notANumber.contains("\"amount\":\($0)") })
            let unfit = try await under.get(Self.target).text
            #expect(["1e21", "0.1234567890123456789", "1e-30"].contains { unfit.contains("\"amount\":\"\($0)\"") })
            let twice = try await under.get(Self.target).text
            #expect(twice.components(separatedBy: "\"amount\":").count == 3)
        }
    }

    @Test("every fault has a line in this table")
    func complete() {
        let elsewhere: Set<Fault> = [.notANumber, .unfitNumber, .duplicateKey]
        let shown: Set<Fault> = [
            .tooManyRequests, .serverError, .notFound, .closed, .cut, .empty, .html, .truncated, .malformed, .null,
            .wrongType, .notUTF8, .nested, .oversized,
        ]
        #expect(shown.union(elsewhere) == Set(Fault.allCases))
    }

    @Test("429 says when to come back, in the recorded words")
    func retryAfter() async throws {
        try await ExchangeUnderTest.run(FaultPlan(rates: [.tooManyRequests: 1], retryAfterSeconds: 9)) {
            under async throws in
            let answer = try await under.get(Self.target)
            #expect(answer.headers["retry-after"] == "9")
            let recorded = try String(
                contentsOf: QuoteTests.recorded.appending(path: "v2_error_429.json"), encoding: .utf8)
            #expect(answer.text == recorded.trimmingCharacters(in: .newlines))
        }
    }

    @Test("rates are kept, drawn anew for each answer")
    func rates() async throws {
        try await ExchangeUnderTest.run(FaultPlan(rates: [.serverError: 0.25, .empty: 0.25])) { under async throws in
            for _ in 0..<200 { _ = try await under.get(Self.target) }
            let faults = try await under.journal().map(\.fault)
            #expect((30...70).contains(faults.count { $0 == "500" }))
            #expect((30...70).contains(faults.count { $0 == "empty" }))
        }
    }

    @Test("faults can be meant for some symbols only, and symbols be unknown")
    func symbols() async throws {
        let plan = FaultPlan(rates: [.serverError: 1], onlySymbols: ["A-USD"], unknownSymbols: ["B-USD"])
        try await ExchangeUnderTest.run(plan) { under async throws in
            #expect(try await under.get("/v2/prices/A-USD/spot").status == 500)
            #expect(try await under.get("/v2/prices/B-USD/spot").status == 404)
            #expect(try await under.get("/v2/prices/C-USD/spot").status == 200)
        }
    }

    @Test("a late answer is a good one, with its price in the journal")
    func latency() async throws {
        try await ExchangeUnderTest.run(FaultPlan(latencyMilliseconds: 20, jitterMilliseconds: 20)) {
            under async throws in
            let answer = try await under.get(Self.target)
            let line = try #require(try await under.journal().first)
            #expect(line.fault == nil)
            #expect(answer.text.contains(try #require(line.price)))
        }
    }

    @Test("the source's clock may be off")
    func skew() async throws {
        try await ExchangeUnderTest.run(FaultPlan(clockSkewMilliseconds: -3_600_000)) { under async throws in
            let early = ExchangeUnderTest.noon.adding(microseconds: -3_600_000_000)
            #expect(try await under.get("/products/BTC-USD/ticker").text.contains("\"time\":\"\(early)\""))
        }
    }

    @Test("one address gets so many answers a second")
    func rateLimit() async throws {
        try await ExchangeUnderTest.run(adjusting: { $0.requestsPerSecond = 3 }) { under async throws in
            let statuses = try await (0..<5).asyncMap { _ in try await under.get(Self.target).status }
            #expect(statuses == [200, 200, 200, 429, 429])
        }
    }

    @Test("faults are switched while it runs, and a plan that means nothing is refused with the reason")
    func control() async throws {
        try await ExchangeUnderTest.run { under async throws in
            let plan = #"{"rates": {"500": 1}, "latency_ms": 1, "script": [null, "empty"]}"#
            #expect(try await under.get("/-/faults", method: "PUT", body: plan).status == 200)
            let statuses = try await (0..<3).asyncMap { _ in try await under.get(Self.target) }
            #expect(statuses.map(\.status) == [200, 200, 500])
            #expect(statuses[1].body.isEmpty)
            for (wrong, word) in [
                (#"{"rates": {"gremlins": 1}}"#, "gremlins"), (#"{"rates": {"500": 2}}"#, "0 to 1"), ("{", "plan"),
                (#"{"rates": {"500": 0.6, "404": 0.6}}"#, "more than 1"),
            ] {
                let refusal = try await under.get("/-/faults", method: "PUT", body: wrong)
                #expect(refusal.status == 400)
                #expect(refusal.text.contains(word))
            }
            #expect(try await under.get("/-/faults").text.contains(#""rates":{"500":1}"#))
            #expect(try await under.journal().count == 3)
        }
    }

    @Test(
        "a plan is read from name=value pairs",
        arguments: [
            (["429=0.01", "cut=0.5"], FaultPlan(rates: [.tooManyRequests: 0.01, .cut: 0.5])),
            (
                ["latency-ms=5", "jitter-ms=6", "retry-after=7"],
                FaultPlan(latencyMilliseconds: 5, jitterMilliseconds: 6, retryAfterSeconds: 7)
            ),
            (
                ["skew-ms=-8", "unknown=X-Y", "seed=9"],
                FaultPlan(unknownSymbols: ["X-Y"], clockSkewMilliseconds: -8, seed: 9)
            ),
        ])
    func pairs(pairs: [String], plan: FaultPlan) throws {
        #expect(try FaultPlan(parsing: pairs) == plan)
    }

    @Test(
        "a pair that means nothing is refused by name",
        arguments: ["gremlins=1", "429", "429=often", "429=1.5", "latency-ms=-1"])
    func wrongPairs(pair: String) {
        #expect(throws: FaultPlanError.self) { try FaultPlan(parsing: [pair]) }
    }
}
