/// Which answers are spoilt, and how: each answer's lot is drawn from the plan's seed and the answer's serial number.
public struct FaultPlan: Sendable, Equatable {
    /// The share of answers with each fault, 0 to 1, together at most 1.
    public var rates: [Fault: Double]
    /// What the next answers get, before any lot is drawn; nil for a good answer.
    public var script: [Fault?]
    /// The symbols whose answers are spoilt; nil for all.
    public var onlySymbols: Set<String>?
    /// Symbols that are answered 404.
    public var unknownSymbols: Set<String>
    /// Each answer waits for this time, and for up to the jitter more; a late answer is a good one all the same.
    public var latencyMilliseconds: Int
    public var jitterMilliseconds: Int
    public var retryAfterSeconds: Int
    /// What the source's times are off by.
    public var clockSkewMilliseconds: Int
    public var oversizedBytes: Int
    public var seed: UInt64

    public init(
        rates: [Fault: Double] = [:], script: [Fault?] = [], onlySymbols: Set<String>? = nil,
        unknownSymbols: Set<String> = [], latencyMilliseconds: Int = 0, jitterMilliseconds: Int = 0,
        retryAfterSeconds: Int = 1, clockSkewMilliseconds: Int = 0, oversizedBytes: Int = 4 << 20, seed: UInt64 = 1
    ) {
        self.rates = rates
        self.script = script
        self.onlySymbols = onlySymbols
        self.unknownSymbols = unknownSymbols
        self.latencyMilliseconds = latencyMilliseconds
        self.jitterMilliseconds = jitterMilliseconds
        self.retryAfterSeconds = retryAfterSeconds
        self.clockSkewMilliseconds = clockSkewMilliseconds
        self.oversizedBytes = oversizedBytes
        self.seed = seed
    }
}

/// Why something is not a fault plan.
public struct FaultPlanError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}

extension FaultPlan {
    /// Reads `name=value` pairs: a fault's name and its rate (`429=0.01`), or `latency-ms`, `jitter-ms`,
    /// `retry-after`, `skew-ms`, `oversized-bytes`, `seed`, `unknown` (a symbol, repeatable).
    public init(parsing pairs: [String]) throws(FaultPlanError) {
        self.init()
        for pair in pairs { try apply(pair) }
        try check()
    }

    private mutating func apply(_ pair: String) throws(FaultPlanError) {
        guard let equals = pair.firstIndex(of: "=") else { throw FaultPlanError("\(pair): no name=value") }
        let name = String(pair[..<equals])
        let value = String(pair[pair.index(after: equals)...])
        if let fault = Fault(rawValue: name) {
            guard let rate = Double(value) else { throw FaultPlanError("\(pair): the rate is not a number") }
            rates[fault] = rate
            return
        }
        if name == "unknown" {
            unknownSymbols.insert(value)
            return
        }
        guard let number = Int(value) else { throw FaultPlanError("\(pair): the value is not a whole number") }
        switch name {
        case "latency-ms": latencyMilliseconds = number
        case "jitter-ms": jitterMilliseconds = number
        case "retry-after": retryAfterSeconds = number
        case "skew-ms": clockSkewMilliseconds = number
        case "oversized-bytes": oversizedBytes = number
        case "seed": seed = UInt64(clamping: number)
        default: throw FaultPlanError("\(name): no such fault; the faults are \(Self.names)")
        }
    }

    /// Refuses what no plan can mean: rates outside of 0 to 1, or above 1 together; negative times and sizes.
    func check() throws(FaultPlanError) {
        for (fault, rate) in rates where !(0...1).contains(rate) {
            throw FaultPlanError("\(fault.rawValue)=\(rate): a rate is from 0 to 1")
        }
        let sum = rates.values.reduce(0, +)
        guard sum <= 1 + 1e-9 else { throw FaultPlanError("the rates add up to \(sum), more than 1") }
        guard
            [latencyMilliseconds, jitterMilliseconds, retryAfterSeconds, oversizedBytes].allSatisfy({ $0 >= 0 })
        else { throw FaultPlanError("times and sizes are not negative") }
    }

    private static var names: String { Fault.allCases.map(\.rawValue).joined(separator: ", ") }
}

extension FaultPlan: Codable {
    private enum CodingKeys: String, CodingKey {
        case rates, script, seed
        case onlySymbols = "only_symbols"
        case unknownSymbols = "unknown_symbols"
        case latencyMilliseconds = "latency_ms"
        case jitterMilliseconds = "jitter_ms"
        case retryAfterSeconds = "retry_after"
        case clockSkewMilliseconds = "skew_ms"
        case oversizedBytes = "oversized_bytes"
    }

    /// What the JSON leaves out is as in a plan without faults.
    public init(from decoder: any Decoder) throws {
        self.init()
        let values = try decoder.container(keyedBy: CodingKeys.self)
        for (name, rate) in try values.decodeIfPresent([String: Double].self, forKey: .rates) ?? [:] {
            guard let fault = Fault(rawValue: name) else {
                throw FaultPlanError("\(name): no such fault; the faults are \(Self.names)")
            }
            rates[fault] = rate
        }
        script = try values.decodeIfPresent([Fault?].self, forKey: .script) ?? script
        onlySymbols = try values.decodeIfPresent(Set<String>.self, forKey: .onlySymbols)
        unknownSymbols = try values.decodeIfPresent(Set<String>.self, forKey: .unknownSymbols) ?? unknownSymbols
        latencyMilliseconds = try values.decodeIfPresent(Int.self, forKey: .latencyMilliseconds) ?? latencyMilliseconds
        jitterMilliseconds = try values.decodeIfPresent(Int.self, forKey: .jitterMilliseconds) ?? jitterMilliseconds
        retryAfterSeconds = try values.decodeIfPresent(Int.self, forKey: .retryAfterSeconds) ?? retryAfterSeconds
        clockSkewMilliseconds =
            try values.decodeIfPresent(Int.self, forKey: .clockSkewMilliseconds) ?? clockSkewMilliseconds
        oversizedBytes = try values.decodeIfPresent(Int.self, forKey: .oversizedBytes) ?? oversizedBytes
        seed = try values.decodeIfPresent(UInt64.self, forKey: .seed) ?? seed
        try check()
    }

    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: CodingKeys.self)
        let named = rates.map { (key, value) in (key.rawValue, value) }
        try values.encode(Dictionary(uniqueKeysWithValues: named), forKey: .rates)
        try values.encode(script, forKey: .script)
        try values.encodeIfPresent(onlySymbols?.sorted(), forKey: .onlySymbols)
        try values.encode(unknownSymbols.sorted(), forKey: .unknownSymbols)
        try values.encode(latencyMilliseconds, forKey: .latencyMilliseconds)
        try values.encode(jitterMilliseconds, forKey: .jitterMilliseconds)
        try values.encode(retryAfterSeconds, forKey: .retryAfterSeconds)
        try values.encode(clockSkewMilliseconds, forKey: .clockSkewMilliseconds)
        try values.encode(oversizedBytes, forKey: .oversizedBytes)
        try values.encode(seed, forKey: .seed)
    }
}
