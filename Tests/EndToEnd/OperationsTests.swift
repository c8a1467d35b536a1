import Exchange
import Foundation
import FoundationNetworking
import Runtime
import Testing

/// What supervisors, Prometheus and readers of log lines get of the built program.
@Suite("Operations", .serialized, .timeLimit(.minutes(5)))
struct OperationsTests {
    private static let endpoints = ["--set", "operations.port=0"]

    /// The port that a process says it answers on.
    private static func port(of child: ChildProcess) async throws -> Int {
        var port: Int?
        try await eventually("the endpoints' log line") {
            let line = child.lastLines(1000).split(separator: "\n").first { $0.contains("/healthz, /readyz") }
            port = line.flatMap { $0.firstMatch(of: /port=(\d+)/) }.flatMap { Int($0.1) }
            if child.ending != nil { throw HarnessFault("it ended:\n\(child.lastLines())") }
            return port != nil
        }
        return try #require(port)
    }

    private static func get(_ port: Int, _ path: String) async throws -> (status: Int, body: String) {
        let url = try #require(URL(string: "http://127.0.0.1:\(port)\(path)"))
        let (data, response) = try await URLSession.shared.data(from: url)
        return (try #require(response as? HTTPURLResponse).statusCode, String(decoding: data, as: UTF8.self))
    }

    /// The package prometheus-client reads the text; it prints a line `<family> <kind> <labels>` a sample.
    private static let reader = """
        import sys
        from prometheus_client.parser import text_string_to_metric_families
        for family in text_string_to_metric_families(sys.stdin.read()):
            assert family.documentation, family.name
            for sample in family.samples:
                labels = ",".join(sorted(label for label in sample.labels if label != "le"))
                name = family.name + "_total" if family.type == "counter" else family.name
                print(name, family.type, labels or "-")
        """

    /// What another reader finds in figures: `<name> <kind> <labels>`.
    private static func families(in text: String) async throws -> Set<String> {
        let prompt = try Prompt()
        try prompt.write(text, to: "metrics")
        let answer = try await prompt.bash(
            "PYTHONPATH=\"$2\" python3 -c \"$1\" < metrics", [reader, BuiltProgram.pythonPackages])
        #expect(answer.code == 0, "\(answer.complaints)")
        return Set(answer.output.split(separator: "\n").map(String.init))
    }

    private static let declared = Set(
        MetricDeclaration.all.map {
            "\($0.name) \($0.kind.rawValue) \($0.labels.isEmpty ? "-" : $0.labels.sorted().joined(separator: ","))"
        })

    @Test("a process that works shows its figures to another reader, each as it is declared")
    func figures() async throws {
        let options = Pipeline.Options(
            symbols: ["BTC-USD", "NONE-USD"], faults: FaultPlan(unknownSymbols: ["NONE-USD"]))
        try await Pipeline.with(options) { pipeline in
            try pipeline.start("run", ["run"] + Self.endpoints)
            let port = try await Self.port(of: try pipeline.child("run"))
            try await pipeline.answers(40, whileAlive: ["run"])
            let wanted = [
                "pregao_log_lag_messages", "pregao_poller_gaps_total", "pregao_poller_lateness_seconds",
                "pregao_flusher_rows_total", "pregao_flusher_objects_total", "pregao_flusher_buffered_bytes",
                "pregao_flusher_batch_age_seconds", "pregao_flusher_commit_seconds", "pregao_archiver_objects_total",
                "pregao_archiver_freshness_seconds", "pregao_archiver_held_partitions",
                "pregao_catalog_transaction_seconds", "pregao_batch_backlog", "pregao_batch_runs_total",
                "process_resident_memory_bytes", "pregao_build_info", "pregao_ready",
            ]
            var text = ""
            var missing = wanted
            do {
                try await eventually("all figures", every: .milliseconds(250)) {
                    try pipeline.expectAlive(["run"])
                    text = try await Self.get(port, "/metrics").body
                    missing = wanted.filter { !text.contains("# TYPE \($0) ") }
                    return missing.isEmpty
                }
            } catch { throw HarnessFault("\(error): \(missing)") }
            let found = try await Self.families(in: text)
            #expect(found.subtracting(Self.declared).isEmpty)
            #expect(try await Self.get(port, "/healthz") == (200, "ok\n"))
            try await eventually("readiness") { try await Self.get(port, "/readyz").status == 200 }
            try await pipeline.finish("run")
        }
    }

    @Test(
        "a stage whose store is away says so, is ready again when it is back, and lives throughout",
        arguments: [("lake", "is held back: the store: "), ("backup", "archiver: pregao.objects/")])
    func heldBack(store: String, reason: String) async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            try pipeline.start("run", ["run"] + Self.endpoints)
            let port = try await Self.port(of: try pipeline.child("run"))
            let folder = pipeline.data.appending(path: store)
            try await eventually("the first object") { FileManager.default.fileExists(atPath: folder.path) }
            let aside = pipeline.folder.appending(path: "aside")
            try FileManager.default.moveItem(at: folder, to: aside)
            try await eventually("the reason") {
                let answer = try await Self.get(port, "/readyz")
                return answer.status == 503 && answer.body.contains(reason)
            }
            #expect(try await Self.get(port, "/healthz").status == 200)
            #expect(try await Self.get(port, "/metrics").body.contains("\npregao_ready 0\n"))
            try FileManager.default.moveItem(at: aside, to: folder)
            try await eventually("readiness") { try await Self.get(port, "/readyz").status == 200 }
            try await pipeline.finish("run")
            try await pipeline.expectProven()
        }
    }

    @Test("each stage alone answers; of two processes on one port the second ends and names the setting")
    func stages() async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            try await pipeline.expect(0, ["run", "--for", "1s"])
            var ports: [Int] = []
            for stage in ["poll", "flush", "archive", "batch", "console"] {
                try pipeline.start(stage, [stage] + Self.endpoints)
                let port = try await Self.port(of: try pipeline.child(stage))
                try await eventually("readiness of \(stage)") { try await Self.get(port, "/readyz").status == 200 }
                ports.append(port)
            }
            let taken = try #require(ports.first)
            let second = try await pipeline.expect(
                69, ["flush", "--set", "operations.port=\(taken)", "--set", "flusher.instance=flusher-2"])
            #expect(second.contains("listen on 127.0.0.1:\(taken): Address already in use"))
            #expect(second.contains("--set operations.port="))
            for stage in ["poll", "flush", "archive", "batch", "console"] { try await pipeline.finish(stage) }
        }
    }

    // MARK: - Log lines

    private static let secret = "hunter2-never-shown"

    @Test("no secret is in what a process writes, wherever it was given", arguments: ["logfmt", "json"])
    func secrets(format: String) async throws {
        let prompt = try Prompt()
        try prompt.write(
            """
            log: {kind: kafka}
            kafka:
              brokers: 127.0.0.1:1
              properties: {security.protocol: sasl_plaintext, sasl.mechanism: PLAIN, sasl.username: u, debug: all}
            feeds:
              coinbase-spot: {symbols: [BTC-USD]}
            sources:
              coinbase: {base-url: 'http://u:\(Self.secret)@127.0.0.1:1'}

            """, to: "pregao.yml")
        let common = ["--set", "logging.level=debug", "--set", "logging.format=\(format)"]
        let environment = ["PREGAO_KAFKA_PROPERTIES_SASL_PASSWORD": Self.secret]
        let onKafka = ["poll"] + common
        var written = ""
        for words in [
            ["config", "check"], onKafka,
            // The embedded log, so that the source is asked.
            ["poll", "--for", "7s", "--set", "log.kind=sqlite"] + common,
            ["config", "check", "--set", "kafka.properties.ssl.ca.pem=\(Self.secret)"],
            ["config", "check", "--set", "kafka.properties.sasl.pasword=\(Self.secret)"],
            ["config", "check", "--set", "kafka.properties.sasl.password=[\(Self.secret)"],
        ] {
            // No broker answers, which some commands wait for.
            let answer = try await prompt.bash(
                #"timeout -s KILL "${PATIENCE:-20}" pregao "$@" || true"#, words,
                environment: environment.merging(words == onKafka ? ["PATIENCE": "3"] : [:]) { $1 })
            written += answer.output + answer.complaints
        }
        #expect(written.contains("127.0.0.1:1"))
        #expect(!written.contains(Self.secret), "\(written)")
    }

    @Test("every line of a process that logs JSON is an object of its own")
    func json() async throws {
        try await Pipeline.with(Pipeline.Options(symbols: ["BTC-USD"])) { pipeline in
            let output = try await pipeline.expect(
                0, ["run", "--for", "2s", "--set", "logging.format=json", "--set", "logging.level=debug"])
            let lines = output.split(separator: "\n")
            #expect(lines.count > 10)
            for line in lines {
                let object = try? JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: String]
                #expect(object?["time"] != nil && object?["level"] != nil && object?["event"] != nil, "\(line)")
            }
        }
    }
}
