import PostgresTesting
import Testing

@testable import Warehouse

@Suite("The URI of the catalog's database")
struct PostgresServerTests {
    @Test(
        "it is read, its password put apart",
        arguments: [
            ("postgresql://u@h:1/d", "postgresql://u@h:1/d?connect_timeout=10", nil),
            (
                "postgres://u:p%40%3A@h/d?sslmode=require", "postgresql://u@h/d?sslmode=require&connect_timeout=10",
                "p@:"
            ),
            (
                "postgresql://u@/d?password=x&connect_timeout=3&host=/s", "postgresql://u@/d?connect_timeout=3&host=/s",
                "x"
            ),
            ("postgresql://u@/d?p%61ssword=x%25", "postgresql://u@/d?connect_timeout=10", "x%"),
            ("postgresql://u:a@b#c@h/d", "postgresql://u@h/d?connect_timeout=10", "a@b#c"),
            ("postgresql://u@x:p@h/d", "postgresql://u%40x@h/d?connect_timeout=10", "p"),
        ])
    func reads(uri: String, plain: String, password: String?) throws {
        let server = try PostgresServer(uri: uri)
        #expect(server.uri == plain)
        #expect(server.password == password)
    }

    @Test(
        "one that is none, or may be misread, is refused without a word of it",
        arguments: [
            ("sqlite-tiger", "postgresql://"), ("mysql://tiger/d", "postgresql://"), ("postgresql://tiger", "database"),
            ("postgresql://tiger/", "database"), ("postgresql://tiger/d x", "%20"),
            ("postgresql://me:ti/tiger@h/d", "%2F"), ("postgresql://me:1/tiger@h/d", "%2F"),
            ("postgresql://me:ti?tiger@h/d", "%3F"), ("postgresql://me:ti/g?tiger@h/d", "%3F"),
            ("postgresql://me:ti/g?a=tiger@h/d", "%3F"), ("postgresql://me:tiger%@h/d", "%25"),
            ("postgresql://me@h/d?tiger", "%3F"), ("postgresql://me@h/d?password=tiger%2", "%25"),
            ("postgresql://me@h/d?sslpassword=tiger", "sslpassword"),
            ("postgresql://me@h/d?ssl%70assword=tiger", "sslpassword"),
        ])
    func refuses(uri: String, says: String) {
        let fault = #expect(throws: PostgresServer.Fault.self) { try PostgresServer(uri: uri) }
        #expect(fault?.description.contains(says) == true, "\(String(describing: fault))")
        #expect(fault?.description.contains("tiger") == false)
    }

    @Test("a schema's name is of small letters, digits and underscores", arguments: ["", "1a", "A", "a b", "a;b"])
    func schema(name: String) {
        #expect(throws: PostgresServer.Fault.self) { try PostgresServer(uri: "postgresql://h/d", schema: name) }
    }

    @Test("options of the user's are kept, and do not take the program's own settings away")
    func options() async throws {
        let given = try PostgresForTests.server().uri + "&options=-c%20work_mem%3D3MB%20-c%20lock_timeout%3D0"
        let server = try PostgresServer(uri: given)
        let uri = server.uri(with: [
            (name: "lock_timeout", value: "4000"), (name: "idle_in_transaction_session_timeout", value: "5000"),
        ])
        let engine = DuckDB(location: try .discover())
        let question = """
            SELECT current_setting('lock_timeout') || ' ' || current_setting('idle_in_transaction_session_timeout')
            || ' ' || current_setting('work_mem') AS settings
            """
        let rows = try await engine.run(
            "\(engine.load("postgres_scanner")) ATTACH \(SQL.literal(uri)) AS server (TYPE postgres); "
                + "SELECT * FROM postgres_query('server', \(SQL.literal(question)));")
        #expect(rows.map { $0.text("settings") } == ["4s 5s 3MB"])
    }
}
