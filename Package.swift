// swift-tools-version: 6.2
import PackageDescription

/// `make setup` puts what Debian does not carry under `.deps/`, found here relative to the package's folder.
let arrow = "\(Context.packageDirectory)/.deps/pyarrow"

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
]

/// A Swift module, its name its folder, and what it may import.
func module(
    _ name: String, _ dependencies: [Target.Dependency] = [], path: String? = nil, resources: [Resource] = [],
    exclude: [String] = []
)
    -> Target
{
    .target(
        name: name, dependencies: dependencies, path: path, exclude: exclude, resources: resources,
        swiftSettings: strict)
}

/// The tests of a module, in a folder of the same name.
func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: dependencies, path: "Tests/\(name)", resources: resources,
        swiftSettings: strict)
}

func systemLibrary(_ name: String, _ pkgConfig: String, _ debian: String) -> Target {
    .systemLibrary(
        name: name, path: "Sources/Bindings/\(name)", pkgConfig: pkgConfig, providers: [.apt([debian])])
}

let package = Package(
    name: "pregao",
    products: [.executable(name: "pregao", targets: ["pregao"])],
    targets: [
        // Bindings: C modules, nothing else. Each is imported by one Swift module.
        systemLibrary("CSQLite", "sqlite3", "libsqlite3-dev"),
        systemLibrary("COpenSSL", "libcrypto", "libssl-dev"),
        systemLibrary("CRdKafka", "rdkafka", "librdkafka-dev"),
        systemLibrary("CYAML", "yaml-0.1", "libyaml-dev"),
        .target(
            name: "CCurl", path: "Sources/Bindings/CCurl", linkerSettings: [.linkedLibrary("curl")]),
        .target(
            name: "CMicrohttpd", path: "Sources/Bindings/CMicrohttpd", linkerSettings: [.linkedLibrary("microhttpd")]),
        .target(
            name: "CSimdjson", path: "Sources/Bindings/CSimdjson", linkerSettings: [.linkedLibrary("simdjson")]),
        .target(
            name: "CArrow", path: "Sources/Bindings/CArrow",
            cxxSettings: [.unsafeFlags(["-isystem", "\(arrow)/include"])],
            linkerSettings: [
                .unsafeFlags([
                    "-L\(arrow)", "-Xlinker", "-rpath", "-Xlinker", arrow,
                    "-Xlinker", "-rpath", "-Xlinker", "$ORIGIN/../lib",
                    "-l:libparquet.so.2600", "-l:libarrow_s3.so.2600", "-l:libarrow.so.2600",
                ])
            ]),

        // Values.
        module("MarketData"),
        module("JSON", ["CSimdjson", "MarketData"]),
        module("YAML", ["CYAML"]),
        module("Runtime", ["MarketData"]),
        module("Terminal"),
        module("Feeds", ["MarketData", "JSON"]),

        // What the stages meet at.
        module("EventLog", ["MarketData", "Runtime", "CSQLite"], exclude: ["Kafka"]),
        module("KafkaLog", ["EventLog", "MarketData", "Runtime", "CRdKafka"], path: "Sources/EventLog/Kafka"),
        module("Lake", ["MarketData", "JSON", "Runtime", "CArrow", "COpenSSL"]),
        module("Warehouse", ["MarketData", "JSON", "Runtime", "Lake"]),
        module("DeadLetters", ["MarketData", "Runtime", "EventLog", "Lake"]),

        // The stages. They never import each other.
        module("Poller", ["MarketData", "JSON", "Runtime", "Feeds", "EventLog", "CCurl"]),
        module("Flusher", ["MarketData", "JSON", "Runtime", "EventLog", "Lake"]),
        module("Archiver", ["MarketData", "JSON", "Runtime", "EventLog", "Lake", "Warehouse"]),
        module(
            "Batch", ["MarketData", "JSON", "YAML", "Runtime", "Lake", "Warehouse"], resources: [.copy("Models")]),
        module("Console", ["MarketData", "JSON", "Runtime", "EventLog", "Lake", "Warehouse", "HTTPServer"]),
        module("Verification", ["MarketData", "JSON", "Runtime", "EventLog", "Lake", "Warehouse", "Batch"]),

        // The local exchange.
        module("HTTPServer", ["CMicrohttpd"]),
        module("Operations", ["Runtime", "Lake", "HTTPServer"]),
        module("Exchange", ["MarketData", "JSON", "Runtime", "HTTPServer"]),

        // The program.
        module(
            "Configuration",
            [
                "MarketData", "YAML", "Runtime", "Feeds", "KafkaLog", "Lake", "Poller", "Flusher", "Archiver",
                "Console",
                "Operations", "Warehouse",
            ]),
        .executableTarget(
            name: "pregao",
            dependencies: [
                "Configuration", "Terminal", "MarketData", "JSON", "YAML", "Runtime", "Feeds", "EventLog", "KafkaLog",
                "Lake", "Warehouse", "Poller",
                "Flusher", "Archiver", "Batch", "Console", "Verification", "Exchange", "DeadLetters",
                "Operations",
            ],
            resources: [.copy("Queries")], swiftSettings: strict),

        // What is measured, each beside the bare loop that it is measured against.
        .target(
            name: "FlusherBaseline", dependencies: ["CArrow", "CSimdjson"], path: "Benchmarks/Flusher/Baseline",
            cxxSettings: [.unsafeFlags(["-isystem", "\(arrow)/include"])]),
        .executableTarget(
            name: "BenchmarkFlusher", dependencies: ["FlusherBaseline", "SampleQuotes", "Lake", "JSON", "MarketData"],
            path: "Benchmarks/Flusher", exclude: ["Baseline"], swiftSettings: strict),
        module("SampleQuotes", ["JSON", "MarketData"], path: "Benchmarks/Quotes"),
        .target(
            name: "KafkaBaseline", dependencies: ["CArrow", "CSimdjson", "CRdKafka"], path: "Benchmarks/Kafka/Baseline",
            cxxSettings: [.unsafeFlags(["-isystem", "\(arrow)/include"])]),
        .executableTarget(
            name: "BenchmarkKafka",
            dependencies: [
                "KafkaBaseline", "SampleQuotes", "Flusher", "KafkaLog", "EventLog", "Lake", "JSON", "MarketData",
                "Runtime", "KafkaTesting",
            ],
            path: "Benchmarks/Kafka", exclude: ["Baseline"], swiftSettings: strict),
        .executableTarget(
            name: "BenchmarkLoad", dependencies: ["EventLog", "JSON", "MarketData", "Runtime"],
            path: "Benchmarks/Load", swiftSettings: strict),
        .executableTarget(
            name: "BenchmarkPoller",
            dependencies: ["Poller", "EventLog", "Exchange", "CCurl", "MarketData", "Runtime"],
            path: "Benchmarks/Poller", swiftSettings: strict),
        .executableTarget(
            name: "BenchmarkEventLog", dependencies: ["EventLog", "MarketData", "Runtime", "CSQLite"],
            path: "Benchmarks/EventLog", swiftSettings: strict),
        .executableTarget(
            name: "BenchmarkBatch", dependencies: ["Batch", "Lake", "MarketData", "Runtime", "Warehouse"],
            path: "Benchmarks/Batch", swiftSettings: strict),
        .executableTarget(
            name: "BenchmarkCatalog", dependencies: ["Batch", "JSON", "Lake", "MarketData", "Runtime", "Warehouse"],
            path: "Benchmarks/Catalog", swiftSettings: strict),

        tests("MarketData", ["MarketData"]),
        tests("Runtime", ["Runtime", "MarketData"]),
        tests("Terminal", ["Terminal"]),
        tests("JSON", ["JSON", "MarketData"]),
        tests("YAML", ["YAML"]),
        tests("Feeds", ["Feeds", "JSON", "MarketData"]),
        tests("EventLog", ["EventLog", "MarketData", "Runtime"]),
        tests("Lake", ["Lake", "JSON", "MarketData", "EventLog", "Runtime"]),
        tests("DeadLetters", ["DeadLetters", "EventLog", "Lake", "MarketData", "Runtime"]),
        tests(
            "Warehouse",
            ["Warehouse", "PostgresTesting", "ObjectStoreTesting", "Lake", "JSON", "MarketData", "Runtime"]),
        tests("Poller", ["Poller", "Feeds", "EventLog", "Exchange", "JSON", "MarketData", "Runtime"]),
        tests("Flusher", ["Flusher", "EventLog", "Lake", "JSON", "MarketData", "Runtime"]),
        tests("Archiver", ["Archiver", "EventLog", "Lake", "Warehouse", "JSON", "MarketData", "Runtime"]),
        tests("Batch", ["Batch", "Lake", "Warehouse", "JSON", "YAML", "MarketData", "Runtime"]),
        tests("Console", ["Console", "EventLog", "Lake", "Warehouse", "MarketData", "Runtime"]),
        tests(
            "Verification",
            ["Verification", "EventLog", "Lake", "Warehouse", "Batch", "JSON", "MarketData", "Runtime"]),
        tests("HTTPServer", ["HTTPServer"]),
        tests("Operations", ["Operations", "ObjectStoreTesting", "Lake", "Runtime"]),
        tests("Exchange", ["Exchange", "HTTPServer", "JSON", "MarketData", "Runtime"]),
        tests("Configuration", ["Configuration", "KafkaLog", "Lake", "Poller", "YAML"]),

        // A PostgreSQL server that lives no longer than the tests.
        .target(name: "PostgresTesting", path: "Tests/PostgresTesting", swiftSettings: strict),

        // A cluster inside the tests' process, and what tests do to a cluster.
        .target(
            name: "KafkaTesting", dependencies: ["EventLog", "CRdKafka"], path: "Tests/KafkaTesting",
            swiftSettings: strict),
        tests("KafkaLog", ["KafkaLog", "KafkaTesting", "EventLog", "CRdKafka", "MarketData"]),

        // A local S3 server that fails on demand.
        .target(
            name: "ObjectStoreTesting", dependencies: ["Lake"], path: "Tests/ObjectStoreTesting",
            exclude: ["s3_server.py"], swiftSettings: strict),

        // Suites that every implementation of a protocol passes.
        tests(
            "Contracts",
            [
                "EventLog", "KafkaLog", "KafkaTesting", "Lake", "ObjectStoreTesting", "DeadLetters", "MarketData",
                "Runtime",
            ]),
        // The built program, killed and restarted.
        tests(
            "EndToEnd",
            [
                "pregao", "KafkaTesting", "KafkaLog", "ObjectStoreTesting", "PostgresTesting", "Exchange", "EventLog",
                "Lake", "Warehouse", "JSON", "MarketData", "Runtime",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
