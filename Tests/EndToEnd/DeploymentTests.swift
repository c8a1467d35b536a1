import Foundation
import Runtime
import Testing

/// What stands beside the program so that others can run it: compose/, systemd/ and the Dockerfile.
@Suite("Deployment", .timeLimit(.minutes(5)))
struct DeploymentTests {
    private static func file(_ path: String) -> URL { BuiltProgram.package.appending(path: path) }

    private static func text(_ path: String) throws -> String { try String(contentsOf: file(path), encoding: .utf8) }

    /// YAML read by another reader, the package PyYAML.
    private static func yaml(_ text: String) async throws -> [String: Any] {
        let prompt = try Prompt()
        try prompt.write(text, to: "file.yml")
        let script = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
        let answer = try await prompt.bash(
            "PYTHONPATH=\"$2\" python3 -c \"$1\" < file.yml", [script, BuiltProgram.pythonPackages])
        return try #require(
            try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any], "\(answer.complaints)")
    }

    // MARK: - compose/

    /// compose/compose.yml as docker-compose understands it.
    private static func services() async throws -> [String: [String: Any]] {
        let answer = try await Prompt().bash("docker-compose -f \"$1\" config", [file("compose/compose.yml").path])
        try #require(answer.code == 0, "\(answer.complaints)")
        return try #require(try await yaml(answer.output)["services"] as? [String: [String: Any]])
    }

    private static let stages = ["poll", "flush", "archive", "batch", "console"]

    @Test("docker-compose takes the file: every stage is a service, whose health is asked")
    func compose() async throws {
        let services = try await Self.services()
        for needed in ["kafka", "postgres", "s3", "prometheus", "grafana"] { #expect(services[needed] != nil) }
        let commands = services.values.compactMap { ($0["command"] as? [String])?.first }
        #expect(Set(commands).isSuperset(of: Self.stages))
        for (name, service) in services where name != "buckets" {
            let check = service["healthcheck"] as? [String: Any]
            #expect(check?["test"] != nil || check?["disable"] as? Bool == true, "\(name)")
        }
    }

    @Test("files that services are given are there, and images have versions")
    func files() async throws {
        for (name, service) in try await Self.services() {
            for volume in service["volumes"] as? [String] ?? [] where volume.hasPrefix("/") {
                let path = String(volume.split(separator: ":")[0])
                #expect(FileManager.default.fileExists(atPath: path), "\(name): \(path)")
            }
            let image = try #require(service["image"] as? String)
            #expect(image == "pregao" || image.wholeMatch(of: /[a-z\/-]+:v?[0-9][a-z0-9.-]*/) != nil, "\(image)")
        }
    }

    @Test("its settings are in order for every stage")
    func settings() async throws {
        let prompt = try Prompt()
        for (name, service) in try await Self.services() {
            guard let command = (service["command"] as? [String])?.first, Self.stages.contains(command) else {
                continue
            }
            var environment = (service["environment"] as? [String: Any] ?? [:]).mapValues { "\($0)" }
            environment["PREGAO_CONFIG"] = Self.file("compose/pregao.yml").path
            // As the Dockerfile sets it.
            environment["PREGAO_OPERATIONS_PORT"] = "9464"
            let answer = try await prompt.pregao("config", "check", environment: environment)
            #expect(answer.code == 0, "\(name): \(answer.complaints)")
        }
    }

    @Test("Prometheus asks every stage, at a port that it answers on")
    func targets() async throws {
        let prometheus = try await Self.yaml(try Self.text("compose/prometheus/prometheus.yml"))
        let jobs = prometheus["scrape_configs"] as? [[String: Any]] ?? []
        let configs = jobs.flatMap { $0["static_configs"] as? [[String: Any]] ?? [] }
        let targets = Set(configs.flatMap { $0["targets"] as? [String] ?? [] })
        let stages = try await Self.services().filter {
            Self.stages.contains(($0.value["command"] as? [String])?.first ?? "")
        }
        #expect(targets == Set(stages.keys.map { "\($0):9464" }))
        #expect(try Self.text("Dockerfile").contains("PREGAO_OPERATIONS_PORT=9464"))
    }

    /// The names of series in a query: words that are no function, label or keyword.
    private static func series(in query: String) -> [String] {
        query.matches(of: /\b(?:pregao|process)_[a-z0-9_]+/).map { String($0.0) }
    }

    /// What Prometheus stores of the declared figures.
    private static let stored = Set(
        MetricDeclaration.all.flatMap { metric in
            metric.kind == .histogram ? ["_bucket", "_sum", "_count"].map { metric.name + $0 } : [metric.name]
        })

    @Test("the dashboard's queries and the alerts name only figures that the program exports")
    func queries() async throws {
        let json = try JSONSerialization.jsonObject(
            with: Data(contentsOf: Self.file("compose/grafana/dashboards/pregao.json")))
        let panels = try #require((json as? [String: Any])?["panels"] as? [[String: Any]])
        var queries = panels.flatMap { $0["targets"] as? [[String: Any]] ?? [] }.compactMap { $0["expr"] as? String }
        #expect(queries.count > 20)
        let alerts = try await Self.yaml(try Self.text("compose/prometheus/alerts.yml"))
        let groups = alerts["groups"] as? [[String: Any]] ?? []
        let rules = groups.flatMap { $0["rules"] as? [[String: Any]] ?? [] }.compactMap { $0["expr"] as? String }
        #expect(rules.count > 3)
        queries += rules
        let questions = try Self.text("docs/metrics.md").components(separatedBy: "## Questions").last ?? ""
        let documented = questions.matches(of: /\| `([^`]*)` \|/).map { String($0.1) }
        #expect(documented.count > 3)
        queries += documented
        for query in queries {
            let names = Self.series(in: query)
            #expect(!names.isEmpty || query.hasPrefix("up{"), "\(query)")
            for name in names { #expect(Self.stored.contains(name), "\(name) in \(query)") }
            #expect(query.count { $0 == "(" } == query.count { $0 == ")" }, "\(query)")
        }
        let ids = panels.compactMap { $0["id"] as? Int }
        #expect(Set(ids).count == panels.count)
    }

    // MARK: - systemd/

    @Test("systemd takes the units, for every stage, and finds little exposed")
    func units() async throws {
        let prompt = try Prompt()
        // Where the program is installed there; here it is where it was built.
        let answer = try await prompt.bash(
            """
            for unit in pregao pregao@; do
              sed "s#/opt/pregao/bin/pregao#$2#" "$1/systemd/$unit.service" > "$unit.service"
            done
            units=(pregao.service)
            for stage in poll flush archive batch console; do
              cp pregao@.service "pregao@$stage.service"
              units+=("pregao@$stage.service")
            done
            systemd-analyze verify --man=no "${units[@]/#/./}"
            for unit in pregao.service pregao@flush.service; do
              systemd-analyze security --offline=yes --threshold=20 --no-pager "./$unit" > /dev/null
            done
            """, [BuiltProgram.package.path, BuiltProgram.pregao.path])
        #expect(answer.code == 0 && answer.complaints.isEmpty, "\(answer.complaints)")
    }

    @Test("the units stop the program as it wants to be stopped, and do not start again what only a person can mend")
    func unitsContent() throws {
        for unit in ["pregao", "pregao@"] {
            let lines = try Self.text("systemd/\(unit).service").split(separator: "\n").map(String.init)
            func value(_ name: String) -> String? {
                lines.first { $0.hasPrefix("\(name)=") }.map { String($0.dropFirst(name.count + 1)) }
            }
            #expect(value("TimeoutStopSec").flatMap { Int($0) } ?? 0 > 60)
            #expect(value("RestartPreventExitStatus") == "64 78")
            #expect(value("User") == "pregao" && value("NoNewPrivileges") == "yes")
        }
    }

    // MARK: - Dockerfile

    @Test("the image has the packages of every library that the program is linked with, and what its check runs")
    func runtimePackages() async throws {
        let listed = Set(
            try Self.text("scripts/packages-runtime.txt").split(separator: "\n").filter { !$0.hasPrefix("#") }
                .map(String.init))
        // What the program itself names, by the package that it came from; those of the base system and of Arrow
        // have none or are there.
        let answer = try await Prompt().bash(
            """
            readelf -d "$1" | sed -n 's/.*NEEDED.*\\[\\(.*\\)\\]/\\1/p' | while read -r library; do
              path=$(ldd "$1" | sed -n "s#^[[:space:]]*$library => \\(/[^ ]*\\) .*#\\1#p")
              dpkg-query -S "$(readlink -f "$path")" 2> /dev/null || dpkg-query -S "*/$(basename "$(readlink -f "$path")")" 2> /dev/null || true
            done | sed 's/:.*//' | sort -u
            """, [BuiltProgram.pregao.path])
        let packages = Set(answer.output.split(separator: "\n").map(String.init))
        #expect(packages.contains("librdkafka1"), "\(answer.output)")
        let base: Set = ["libc6", "libgcc-s1", "libstdc++6", "libm6"]
        #expect(packages.subtracting(base).subtracting(listed).isEmpty)
        let file = try Self.text("Dockerfile")
        #expect(file.contains("\nUSER pregao\n") && file.contains("\nHEALTHCHECK ") && listed.contains("curl"))
        #expect(file.contains("packages-runtime.txt"))
        // Where the image has the libraries that are not Debian's.
        let paths = try await Prompt().bash("readelf -d \"$1\" | grep RUNPATH", [BuiltProgram.pregao.path])
        #expect(paths.output.contains("$ORIGIN/../lib"))
        let manifest = try Self.text("Package.swift")
        for library in manifest.matches(of: /"-l:(lib[a-z0-9_]+\.so)\.[0-9]+"/) {
            #expect(file.contains(".deps/pyarrow/\(library.1).*"), "\(library.1)")
        }
    }

    @Test("every file that the Dockerfile takes is there, and given to it")
    func dockerContext() throws {
        let given = try Self.text(".dockerignore").split(separator: "\n").filter { $0.hasPrefix("!") }
            .map { String($0.dropFirst()) }
        for line in try Self.text("Dockerfile").split(separator: "\n")
        where line.hasPrefix("COPY ") && !line.contains("--from") {
            for path in line.split(separator: " ").dropFirst().dropLast() {
                #expect(FileManager.default.fileExists(atPath: Self.file(String(path)).path), "\(path)")
                #expect(given.contains { path == $0 || path.hasPrefix($0 + "/") }, "\(path)")
            }
        }
    }
}
