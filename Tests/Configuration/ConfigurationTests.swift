import Configuration
import KafkaLog
import Lake
import Poller
import Testing

@Suite("The settings")
struct ConfigurationTests {
    private static func read(
        _ text: String?, environment: [String: String] = [:], _ assignments: String...
    ) throws(ConfigurationFaults) -> Configuration {
        try ConfigurationReader.read(
            file: text.map { ("pregao.yml", $0) }, environment: environment, assignments: assignments)
    }

    private static func faults(
        _ text: String?, environment: [String: String] = [:], _ assignments: String...
    ) -> [String] {
        do throws(ConfigurationFaults) {
            _ = try ConfigurationReader.read(
                file: text.map { ("pregao.yml", $0) }, environment: environment, assignments: assignments)
            return []
        } catch { return error.faults.map(\.description) }
    }

    // MARK: - Faults

    @Test("every fault of every source is told at once, each with its place")
    func everyFault() {
        let text = """
            data: /var/pregao
            flusher:
              interval: soon
              sise: 1MiB
            feeds:
              coinbase-spot:
                symbols: [BTC-USD, BTC-USD]
            """
        let faults = Self.faults(text, environment: ["PREGAO_LOG_PARTITIONS": "none"], "drain=0s", "nonsense")
        #expect(faults.count == 6, "\(faults)")
        for (fault, place) in zip(
            faults,
            [
                "pregao.yml:3:13: flusher.interval", "pregao.yml:4:3: there is no setting 'flusher.sise'",
                "pregao.yml:7:14: feeds.coinbase-spot.symbols names BTC-USD twice",
                "environment variable PREGAO_LOG_PARTITIONS: log.partitions", "flag --set drain=0s: drain",
                "flag --set nonsense: takes SETTING=VALUE",
            ])
        {
            #expect(fault.hasPrefix(place), "\(fault)")
        }
    }

    @Test(
        "what cannot be taken is told with what can",
        arguments: [
            ("drain: 5 apples", "1:8: drain takes a duration such as 500ms, 1s or 5m, not '5 apples'"),
            ("drain: -1s", "1:8: drain takes a duration"), ("drain: 1h", "1:8: drain takes 1s to 10m, not 1h"),
            ("drain: 99999999999999999999d", "1:8: drain takes a duration"),
            ("flusher: {size: 8MB}", "flusher.size takes a size such as 512KiB or 8MiB, not '8MB'"),
            ("flusher: {size: 1KiB}", "flusher.size takes 1MiB to 128MiB, not 1KiB"),
            ("flusher: {interval: 901s}", "flusher.interval takes 0s to 15m, not 901s"),
            ("log: {partitions: 1.5}", "log.partitions takes a whole number from 1 to 256, not '1.5'"),
            ("log: {partitions: [1, 2]}", "log.partitions takes one value, not a list"),
            ("log: {partitions: {n: 1}}", "log.partitions takes a whole number, 1 to 256, not a section"),
            ("log: 5", "log is a section of settings, not a value"),
            ("logging: {level: loud}", "logging.level takes one of debug, info, warning, error, not 'loud'"),
            ("feeds: {coinbase-spot: {price-types: [spot, ask]}}", "takes spot, buy, sell, not 'ask'"),
            ("feeds: {coinbase-spot: {symbols: [BTC-USD@1ms]}}", "takes an interval of 100ms or more behind @"),
            ("data: ''", "data is empty"),
            ("flushers: {}", "there is no setting 'flushers'; at the top there are archiver, batch, catalog"),
            ("flusher: {intervall: 1s}", "in flusher there are"), ("- a\n- b", "the file is a section of settings"),
            ("just words", "the file is a section of settings"),
            ("data: a\ndata: b", "2:1: "), ("data: [a", "pregao.yml:"), ("\tdata: a", "pregao.yml:1:"),
        ])
    func refused(text: String, says: String) {
        let faults = Self.faults(text)
        #expect(faults.count == 1, "\(faults)")
        #expect(faults.first?.contains(says) == true, "\(faults)")
    }

    @Test("librdkafka's properties go by their own names, from every source")
    func properties() throws {
        let configuration = try Self.read(
            "log: {kind: kafka}\nkafka: {brokers: 'a:1', properties: {client.rack: north}}",
            environment: ["PREGAO_KAFKA_PROPERTIES_SASL_PASSWORD": "tiger"], "kafka.properties.sasl.username=eve")
        #expect(configuration.log.kind == .kafka)
        #expect(
            configuration.kafka.properties == [
                "client.rack": "north", "sasl.password": "tiger", "sasl.username": "eve",
            ])
    }

    @Test(
        "what is wrong with Kafka's settings is told by its name, and no secret with it",
        arguments: [
            ("log: {kind: kafka}", "kafka.brokers: is not given, and log.kind is kafka"),
            ("log: {kind: kafka}\nkafka: {brokers: ''}", "pregao.yml:2:18: kafka.brokers is empty"),
            ("log: {epoch: abcdefgh}", "pregao.yml:1:14: log.epoch: goes with log.kind kafka alone"),
            ("log: {kind: paper, epoch: abcdefgh}", "pregao.yml:1:13: log.kind takes one of sqlite, kafka"),
            (
                "log: {kind: kafka, epoch: A}\nkafka: {brokers: 'a:1'}",
                "pregao.yml:1:27: log.epoch: A is not eight of a-z and 0-9"
            ),
            (
                "log: {kind: kafka}\nkafka: {brokers: 'a:1', properties: {sasl.pasword: tiger}}",
                "pregao.yml:2:52: kafka.properties.sasl.pasword: librdkafka has no such property"
            ),
            (
                "log: {kind: kafka}\nkafka: {brokers: 'a:1', properties: {acks: tiger}}",
                "pregao.yml:2:44: kafka.properties.acks: is set by Pregão alone"
            ),
        ])
    func kafka(text: String, says: String) {
        let faults = Self.faults(text)
        #expect(faults.count == 1, "\(faults)")
        #expect(faults.first?.contains(says) == true, "\(faults)")
        #expect(faults.first?.contains("tiger") == false, "\(faults)")
    }

    @Test("a store's settings come from every source, and its secrets from the environment too")
    func stores() throws {
        let configuration = try Self.read(
            "storage: {request-timeout: 3s, raw: {url: 's3://lake/of', endpoint: 'http://a:9000', access-key: eve}}",
            environment: ["PREGAO_STORAGE_RAW_SECRET_KEY": "tiger"], "storage.backup.url=gs://other")
        let raw = try #require(configuration.remote(.raw))
        #expect(raw.address.description == "s3://lake/of")
        #expect(raw.endpoint == "http://a:9000")
        #expect(raw.accessKey == "eve")
        #expect(raw.secretKey == "tiger")
        #expect(raw.requestTimeout == .seconds(3))
        #expect(configuration.remote(.backup)?.address.scheme == .gcs)
        #expect(configuration.remote(.refined) == nil)
    }

    @Test(
        "what is wrong with a store's settings is told by its name, and no secret with it",
        arguments: [
            ("raw: {url: 'ftp://lake'}", "storage.raw.url takes a folder or a URL of s3, gs, abfs or file"),
            ("raw: {url: 's3://eve:tiger@lake'}", "storage.raw.url takes s3://bucket/prefix, and neither credentials"),
            ("raw: {url: 's3://lake', endpoint: 'eve:tiger@a:1'}", "storage.raw.endpoint takes http://host:port"),
            ("raw: {url: 's3://lake', endpoint: 'http://eve:tiger@a'}", "storage.raw.endpoint takes http://host:port"),
            ("raw: {url: 's3://lake', secret-key: tiger}", "storage.raw.access-key: is not given, and the other is"),
            ("raw: {url: 's3://lake', access-key: eve}", "storage.raw.secret-key: is not given, and the other is"),
            (
                "raw: {url: 's3://lake', access-key: eve, secret-key: 'ti ger'}",
                "storage.raw.secret-key takes one text without blanks"
            ),
            (
                "raw: {secret-key: tiger}",
                "storage.raw.secret-key: goes with a storage.raw.url of another machine alone"
            ),
            ("raw: {url: 'gs://lake'}", "storage.raw.access-key: is not given: DuckDB reads gs:// with the HMAC keys"),
            ("refined: {url: 'abfs://a@b.dfs.core.windows.net'}", "storage.refined.url: is on Azure"),
            ("raw: {url: '/var/*'}", "storage.raw.url: may not hold '*'"),
            ("raw: {url: 's3://lake'}, backup: {url: 's3://lake/'}", "storage.backup.url: is that of raw"),
            ("request-timeout: 100ms", "storage.request-timeout takes 1s to 10m"),
        ])
    func stores(settings: String, says: String) {
        let faults = Self.faults("storage: {\(settings)}")
        #expect(faults.contains { $0.contains(says) }, "\(faults)")
        #expect(faults.allSatisfy { !$0.contains("tiger") && !$0.contains("ti ger") }, "\(faults)")
        let flag = Self.faults(nil, "storage.raw.secret-key=ti ger")
        #expect(flag.allSatisfy { $0.contains("storage.raw.secret-key") && !$0.contains("ti ger") }, "\(flag)")
    }

    @Test("a secret that is given as a flag is not told with its fault")
    func secretFlag() {
        let faults = Self.faults(nil, "kafka.properties.*=tiger")
        #expect(faults.count == 1)
        #expect(faults.first?.contains("tiger") == false)
        for assignment in ["catalog.metadata=postgresql://me:tiger@there", "catalog.pasword=tiger"] {
            let faults = Self.faults(nil, assignment)
            #expect(faults.count == 1)
            #expect(faults.allSatisfy { !$0.contains("tiger") })
        }
        #expect(
            Self.faults(nil, "log.kind=kafka", "kafka.brokers=a:1", "kafka.properties.security.protocol=tiger") == [
                "flag --set kafka.properties.security.protocol: kafka.properties.security.protocol: its value is not"
                    + " valid"
            ])
    }

    @Test("an environment name that is no setting is a fault, as it may be a misspelt one")
    func unknownName() {
        #expect(
            Self.faults(nil, environment: ["PREGAO_FLUSHER_INTERVALL": "1s"]) == [
                "environment variable PREGAO_FLUSHER_INTERVALL: there is no such setting"
            ])
        #expect(Self.faults(nil, environment: ["PATH": "/bin", "PREGAO_CONFIG": "x", "PREGAO_TEST_KILLS": "1"]) == [])
    }

    // MARK: - What is taken

    @Test(
        "nothing given is the defaults: no file, an empty one, only comments",
        arguments: [nil, "", "# all default\n", "---\n"])
    func defaults(text: String?) throws {
        let configuration = try Self.read(text)
        #expect(configuration.data == "pregao-data")
        #expect(configuration.drain == .seconds(60))
        #expect(configuration.poller.feeds.isEmpty)
    }

    @Test("--set comes over the environment, and that over the file")
    func order() throws {
        let file = "drain: 10s\nlog: {partitions: 2, lease: 2s}"
        let environment = ["PREGAO_LOG_PARTITIONS": "3", "PREGAO_LOG_LEASE": "3s"]
        let configuration = try Self.read(file, environment: environment, "log.lease=4s", "log.lease=5s")
        #expect(configuration.drain == .seconds(10))
        #expect(configuration.log.partitions == 3)
        #expect(configuration.log.lease == .seconds(5))
    }

    @Test("lists are given with commas outside the file, and a symbol may have an interval of its own")
    func lists() throws {
        for configuration in [
            try Self.read("feeds: {coinbase-spot: {symbols: [BTC-USD, ETH-USD@5s]}}"),
            try Self.read(nil, "feeds.coinbase-spot.symbols=BTC-USD,ETH-USD@5s"),
            try Self.read(nil, environment: ["PREGAO_FEEDS_COINBASE_SPOT_SYMBOLS": "BTC-USD,ETH-USD@5s"]),
        ] {
            let feed = try #require(configuration.poller.feeds.first)
            #expect(feed.symbols == ["BTC-USD", "ETH-USD"])
            #expect(feed.intervals == ["ETH-USD": .seconds(5)])
        }
    }

    @Test(
        "durations and sizes are read in their units",
        arguments: [
            ("250ms", Duration.milliseconds(250)), ("1.5s", .milliseconds(1500)), ("2m", .seconds(120)),
            ("1h", .seconds(3600)), ("7d", .seconds(604_800)), ("3", .seconds(3)), ("0.001s", .milliseconds(1)),
        ])
    func durations(text: String, duration: Duration) { #expect(ConfigurationReader.duration(text) == duration) }

    @Test(
        "what is no duration is none", arguments: ["", "s", "1 s", "1.s", ".5s", "1.0001s", "1e3s", "-1s", "٣s", "1S"])
    func noDuration(text: String) { #expect(ConfigurationReader.duration(text) == nil) }

    // MARK: - The file to begin with

    @Test("the example is in order, every setting stands in it, and uncommented it says the defaults")
    func example() throws {
        let text = ConfigurationReference.example(
            data: "pregao-data", feeds: [("coinbase-spot", ["A-USD"])], baseURLs: [:])
        let configuration = try Self.read(text)
        #expect(configuration.poller.feeds.map(\.symbols) == [["A-USD"]])
        for setting in Setting.all {
            let name = setting.path.split(separator: ".").last ?? ""
            #expect(text.contains("\(name): \(setting.standard ?? "")"), "\(setting.path)")
            guard let standard = setting.standard else { continue }
            let value = standard.filter { !"[] ".contains($0) || !standard.hasPrefix("[") }
            let parts = setting.path.split(separator: ".")
            // A feed that is set at all needs symbols.
            let feed = parts[0] == "feeds" ? "feeds.\(parts[1]).symbols=A-USD" : "data=pregao-data"
            #expect(Self.faults(nil, feed, "\(setting.path)=\(value)") == [], "\(setting.path)")
        }
    }

    @Test("no two settings share a name in the file or the environment")
    func names() {
        #expect(Set(Setting.all.map(\.path)).count == Setting.all.count)
        #expect(Set(Setting.all.map(\.environmentName)).count == Setting.all.count)
    }
}
