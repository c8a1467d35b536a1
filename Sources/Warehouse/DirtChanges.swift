import MarketData

/// A model's day that has changed and is not yet published.
public struct Dirt: Hashable, Sendable {
    public let model: String
    public let day: Day
    /// The catalog's sequence at the latest change.
    public let sequence: Int64
    /// The least and greatest time of what changed.
    public let first: Instant
    public let last: Instant

    public init(model: String, day: Day, sequence: Int64, first: Instant, last: Instant) {
        self.model = model
        self.day = day
        self.sequence = sequence
        self.first = first
        self.last = last
    }
}

struct ModelDay: Hashable, Sendable {
    let model: String
    let day: Day
}

/// Times inside which something changed.
struct ChangedTimes: Hashable, Sendable {
    var first: Instant
    var last: Instant

    /// The whole day in UTC, for a change of which no more is known.
    init(all day: Day) {
        first = day.startInUTC
        last = day.adding(days: 1).startInUTC.adding(microseconds: -1)
    }

    init(first: Instant, last: Instant) {
        self.first = first
        self.last = last
    }

    mutating func include(_ other: ChangedTimes) {
        first = min(first, other.first)
        last = max(last, other.last)
    }
}

/// What a transaction makes dirty.
struct DirtChanges: Sendable {
    private(set) var times: [ModelDay: ChangedTimes] = [:]

    mutating func add(_ model: String, _ day: Day, _ changed: ChangedTimes) {
        times[ModelDay(model: model, day: day), default: changed].include(changed)
    }
}

extension Transaction {
    /// A change of a source's day, to be passed on to the models that read it.
    struct SourceChange {
        let source: String
        let day: Day
        let times: ChangedTimes
    }

    /// Marks the days of every declared model that can see the changes. Of the days after a changed one, those count
    /// that a source of the model holds.
    mutating func passOn(_ changes: [SourceChange]) throws(CatalogError) {
        guard !changes.isEmpty else { return }
        let readers = try run(
            """
            SELECT model, source, reach_days FROM lake.pregao.models
            WHERE \(SQL.ledger("source", among: Set(changes.map(\.source)).sorted()))
            """)
        var dirty = DirtChanges()
        var held: [String: Set<Day>] = [:]
        for reader in readers {
            let model = try reader.requiredText("model")
            let source = try reader.requiredText("source")
            let reach = Int(try reader.requiredInteger("reach_days"))
            let changed = changes.filter { $0.source == source }
            if reach > 0, held[model] == nil { held[model] = try days(ofSourcesOf: model) }
            for change in changed {
                dirty.add(model, change.day, change.times)
                for distance in 0..<reach where held[model]?.contains(change.day.adding(days: distance + 1)) == true {
                    dirty.add(model, change.day.adding(days: distance + 1), change.times)
                }
            }
        }
        try merge(dirty)
    }

    private mutating func days(ofSourcesOf model: String) throws(CatalogError) -> Set<Day> {
        let sources = try run("SELECT source FROM lake.pregao.models WHERE \(SQL.ledger("model", among: [model]))")
        var all: Set<Day> = []
        for row in sources { all.formUnion(try days(of: try row.requiredText("source"))) }
        return all
    }

    /// The days that a raw table or a model holds.
    mutating func days(of source: String) throws(CatalogError) -> [Day] {
        let query =
            if source.hasPrefix("raw.") {
                """
                SELECT DISTINCT d.trading_day FROM lake.pregao.object_days d JOIN lake.pregao.objects o USING (key)
                WHERE \(SQL.ledger("o.status", among: ["registered"])) AND 'raw.' || replace(d.dataset, '-', '_') = \(SQL.literal(source))
                """
            } else {
                """
                SELECT DISTINCT trading_day FROM lake.pregao.publications WHERE \(SQL.ledger("model", among: [source]))
                """
            }
        var days: [Day] = []
        for row in try run(query) { days.append(try row.requiredDay("trading_day")) }
        return days
    }

    /// Adds to the dirt: the greatest sequence, the least first time, the greatest last time.
    mutating func merge(_ changes: DirtChanges) throws(CatalogError) {
        guard !changes.times.isEmpty else { return }
        var merged = changes.times
        var replaced: [ModelDay] = []
        let sorted = merged.keys.sorted { ($0.model, $0.day) < ($1.model, $1.day) }
        let present = try run(
            "SELECT \(Dirt.columns) FROM lake.pregao.dirt WHERE \(SQL.ledger(ofModelDays: sorted))")
        for dirt in try present.map(Dirt.init(row:)) {
            let key = ModelDay(model: dirt.model, day: dirt.day)
            merged[key]?.include(ChangedTimes(first: dirt.first, last: dirt.last))
            replaced.append(key)
        }
        let values = merged.sorted { ($0.key.model, $0.key.day) < ($1.key.model, $1.key.day) }.map { key, times in
            "(\(SQL.literal(key.model)), \(SQL.literal(key.day)), \(sequence), \(SQL.literal(times.first)), "
                + "\(SQL.literal(times.last)))"
        }
        let deletion =
            replaced.isEmpty
            ? "" : "DELETE FROM lake.pregao.dirt WHERE \(SQL.ledger(ofModelDays: replaced));\n"
        try run("\(deletion)INSERT INTO lake.pregao.dirt VALUES \(values.joined(separator: ", "))")
    }
}

extension Dirt {
    static let columns = """
        model, trading_day, sequence, epoch_us(first_time) AS first_time, epoch_us(last_time) AS last_time
        """

    /// - Parameter model: nil for every model.
    static func query(of model: String? = nil) -> String {
        let filter = model.map { "WHERE model = \(SQL.literal($0))" } ?? ""
        return "SELECT \(columns) FROM lake.pregao.dirt \(filter) ORDER BY model, trading_day"
    }

    init(row: Row) throws(CatalogError) {
        self.init(
            model: try row.requiredText("model"), day: try row.requiredDay("trading_day"),
            sequence: try row.requiredInteger("sequence"),
            first: try row.requiredInstant(microseconds: "first_time"),
            last: try row.requiredInstant(microseconds: "last_time"))
    }
}
