/// How two sets of rows differ, row by row, counting repeated rows.
public struct Difference: Hashable, Sendable {
    /// Rows that ought to be there and are not.
    public let missing: Int64
    /// Rows that are there and ought not to be.
    public let surplus: Int64
    /// Some of those rows, as text.
    public let missingSample: [String]
    public let surplusSample: [String]

    public var isEmpty: Bool { missing == 0 && surplus == 0 }

    /// A query that gives one row: `missing`, `surplus`, and a sample of each as JSON arrays of text.
    static func query(expected: String, actual: String, sampleSize: Int = 5) -> String {
        let side = { (name: String, of: String, without: String) in
            "CREATE TEMP TABLE \(name) AS SELECT * FROM (\(of)) EXCEPT ALL SELECT * FROM (\(without));"
        }
        let sample = { (table: String) in
            """
            (SELECT coalesce(CAST(to_json(list(line)) AS VARCHAR), '[]') FROM (
            SELECT CAST(differing AS VARCHAR) AS line FROM \(table) AS differing ORDER BY ALL LIMIT \(sampleSize)))
            """
        }
        return """
            \(side("missing_rows", expected, actual))
            \(side("surplus_rows", actual, expected))
            SELECT (SELECT count(*) FROM missing_rows) AS "missing", (SELECT count(*) FROM surplus_rows) AS "surplus",
            \(sample("missing_rows")) AS "missing_sample", \(sample("surplus_rows")) AS "surplus_sample";
            """
    }
}
