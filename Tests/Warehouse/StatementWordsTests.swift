import Testing

@testable import Warehouse

@Suite("What a reading session runs")
struct StatementWordsTests {
    @Test(
        "what only reads is run",
        arguments: [
            "SELECT 1", "  -- a comment; ATTACH 'x'\nselect 1;", "/* COPY /* nested */ ; */ FROM lake.raw.quotes",
            "(SELECT 1) UNION ALL (SELECT 2)", "WITH t AS (SELECT 1) SELECT * FROM t", "SELECT '; COPY x TO ''y''; '",
            "SELECT E'it\\'s; ATTACH'", "SELECT $$; ATTACH 'x'$$; SELECT $a$ $$; COPY $a$", "SELECT \"; COPY\" FROM t",
            "EXPLAIN ANALYZE SELECT 1", "EXPLAIN (FORMAT json) SELECT 1", "DESCRIBE lake.raw.quotes", "", ";;",
            "CREATE TEMP TABLE t AS SELECT 1; SELECT * FROM t", "SELECT 'café' AS é; SUMMARIZE t",
        ])
    func harmless(script: String) { #expect(StatementWords.refused(in: script) == nil) }

    @Test(
        "what could write or open another file is refused by name",
        arguments: [
            ("ATTACH 'x' AS y", "ATTACH"), ("SELECT 1; copy (SELECT 1) TO 'x'", "COPY"),
            ("/**/EXPORT DATABASE 'x'", "EXPORT"), ("DETACH lake", "DETACH"), ("EXPLAIN ANALYZE COPY t TO 'x'", "COPY"),
            ("EXPLAIN (ANALYZE) COPY t TO 'x'", "COPY"), ("SELECT ''''; ATTACH 'x'", "ATTACH"),
            ("SELECT E'\\\\'; ATTACH 'x'", "ATTACH"), ("SELECT $1; LOAD 'x'", "LOAD"), ("CALL f()", "CALL"),
            ("SELECT $$a$$; INSTALL x", "INSTALL"), ("-- x\rCOPY t TO 'x'", "COPY"), ("PRAGMA x", "PRAGMA"),
            ("PREPARE p AS COPY t TO 'x'", "PREPARE"), ("'x'", "?"),
        ])
    func refused(script: String, word: String) { #expect(StatementWords.refused(in: script) == word) }
}
