/// How two sets of rows differ, row by row, counting repeated rows.
public struct Difference: Hashable, Sendable {
    /// Rows that ought to be there and are not.
    public let missing: Int64
    /// Rows that are there and ought not to be.
    public let surplus: Int64
    /// One of each, as text.
    public let missingSample: String?
    public let surplusSample: String?

    public init(missing: Int64, surplus: Int64, missingSample: String? = nil, surplusSample: String? = nil) {
        self.missing = missing
        self.surplus = surplus
        self.missingSample = missingSample
        self.surplusSample = surplusSample
    }

    public var isEmpty: Bool { missing == 0 && surplus == 0 }

    /// Statements whose last gives one row: `missing`, `surplus`, `missing_sample`, `surplus_sample`.
    static func statements(expected: String, actual: String) -> String {
        let side = { (name: String, of: String, without: String) in
            "CREATE TEMP TABLE \(name) AS SELECT * FROM (\(of)) EXCEPT ALL SELECT * FROM (\(without));"
        }
        let sample = { (table: String) in "(SELECT min(CAST(differing AS VARCHAR)) FROM \(table) AS differing)" }
        return """
            CREATE TEMP TABLE expected_rows AS \(expected);
            CREATE TEMP TABLE actual_rows AS \(actual);
            \(side("missing_rows", "SELECT * FROM expected_rows", "SELECT * FROM actual_rows"))
            \(side("surplus_rows", "SELECT * FROM actual_rows", "SELECT * FROM expected_rows"))
            SELECT (SELECT count(*) FROM missing_rows) AS "missing", (SELECT count(*) FROM surplus_rows) AS "surplus",
            \(sample("missing_rows")) AS "missing_sample", \(sample("surplus_rows")) AS "surplus_sample";
            """
    }
}

extension Difference: CustomStringConvertible {
    public var description: String {
        let parts = [
            missing > 0 ? "\(missing) rows missing, such as \(missingSample ?? "?")" : nil,
            surplus > 0 ? "\(surplus) rows too many, such as \(surplusSample ?? "?")" : nil,
        ]
        return isEmpty ? "no difference" : parts.compactMap { $0 }.joined(separator: "; ")
    }
}
