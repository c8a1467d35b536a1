import Warehouse

/// The checks of a model as queries over a computed file.
struct ResultCheck {
    let model: Model
    let path: String

    /// One thing that must hold of each row, and the condition that is true for rows that break it.
    struct Rule {
        let name: String
        let isBroken: String
    }

    let rules: [Rule]

    init(model: Model, path: String) {
        self.model = model
        self.path = path
        let required = model.columns.filter { !$0.isNullable }.map {
            Rule(name: "\($0.name) is present", isBroken: "\(SQL.identifier($0.name)) IS NULL")
        }
        let expressions = model.checks.compactMap { check -> Rule? in
            guard case .holds(let name, let expression) = check else { return nil }
            return Rule(name: name, isBroken: "NOT coalesce((\(expression)), false)")
        }
        rules = required + expressions
    }

    private var source: String { "read_parquet(\(SQL.literal(path)), hive_partitioning = false)" }

    /// A query that gives one row: `rows`, `duplicates`, and `broken_<n>` for each rule. It reads the file twice.
    func counts() -> String {
        let grain = SQLText.list(model.grain.map(SQL.identifier))
        let broken = rules.enumerated().map { "count(*) FILTER (WHERE \($1.isBroken)) AS \"broken_\($0)\"" }
        let duplicates =
            model.checks.contains(.uniqueGrain)
            ? "(SELECT count(*) FROM (SELECT 1 FROM \(source) GROUP BY \(grain) HAVING count(*) > 1))" : "0"
        return """
            SELECT \((["count(*) AS \"rows\"", "\(duplicates) AS \"duplicates\""] + broken).joined(separator: ",\n"))
            FROM \(source);
            """
    }

    /// A query that gives a row that breaks the rule, as text in `sample`.
    func sample(of rule: Rule) -> String {
        """
        SELECT CAST(row_under_check AS VARCHAR) AS "sample" FROM \(source) AS row_under_check
        WHERE \(rule.isBroken) LIMIT 1;
        """
    }
}
