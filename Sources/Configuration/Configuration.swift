import Archiver
import Console
import Flusher
import KafkaLog
import Operations
import Poller
import Runtime

/// Everything that can be set, checked as a whole before anything starts.
public struct Configuration: Sendable {
    /// The folder that holds all of Pregão's data, unless a part is placed elsewhere.
    public var data = "pregao-data"
    public var logging = Logging()
    public var log = Log()
    public var kafka = KafkaLogSettings(brokers: "")
    public var poller = PollerSettings()
    public var flusher = FlusherSettings(instance: "flusher")
    public var archiver = ArchiverSettings()
    public var storage = Storage()
    public var batch = DailyBatch()
    public var catalog = Catalog()
    public var console = ConsoleSettings()
    public var operations = OperationsSettings()
    /// How long the stages of a process may take to drain, all in all, once it is told to stop.
    public var drain: Duration = .seconds(60)

    public init() {}

    public struct Logging: Sendable {
        public var level = Logger.Level.info
        public var format = Logger.Format.logfmt
    }

    public struct Log: Sendable {
        public enum Kind: String, CaseIterable, Sendable { case sqlite, kafka }

        public var kind = Kind.sqlite
        /// Of each dataset's topic and of `pregao.objects`.
        public var partitions: Int32 = 4
        public var retentionAge: Duration = .seconds(7 * 86_400)
        public var retentionBytes: Int = 16 << 30
        /// How long a process that stopped answering keeps its partitions.
        public var lease: Duration = .seconds(10)
    }

    public struct DailyBatch: Sendable {
        public var instance = "batch"
        /// A folder of further models; nil: only those that come with the program.
        public var models: String?
        public var poll: Duration = .seconds(2)
        public var refresh: Duration?
        /// Whether closed days are compacted.
        public var compact = true
        public var compactAfter: Duration = .seconds(6 * 3600)
        /// Of the objects that one file is made of.
        public var compactSize = 256 << 20
        /// How long raw objects are kept after their compaction; nil for ever.
        public var rawRetention: Duration?
    }

    public struct Catalog: Sendable {
        /// DuckDB's program; nil: found beside the program or under `.deps/`.
        public var duckdb: String?
        public var memory = 1 << 30
        public var threads = 2
        /// What one writing transaction may take.
        public var timeout: Duration = .seconds(300)
        /// A PostgreSQL database's URI; nil: SQLite.
        public var metadata: String?
        public var schema = "pregao"
        public var password: String?
    }
}

extension Configuration {
    /// `<data>/log/pregao.sqlite`
    public var logPath: String { "\(data)/log/pregao.sqlite" }
    /// The raw store's root; its keys begin with `raw/`.
    public var rawRoot: String { "\(data)/lake" }
    public var backupRoot: String { "\(data)/backup" }
    /// `<data>/catalog`
    public var catalogFolder: String { "\(data)/catalog" }
    /// The user's own queries, one `<name>.sql` each.
    public var savedQueries: String { "\(data)/queries" }
    /// Where each process says how it is.
    public var statusFolder: String { "\(data)/status" }
}
