import MarketData
import Runtime

/// The one connection of a process that writes, and what it knows between transactions. It lives on the writer's thread.
///
/// What is asked for while a transaction runs is joined into the next one, so that many callers share one sync.
final class WriteSession {
    struct Options: Sendable {
        let path: String
        let mode: Connection.Mode
        let settings: SQLiteLogSettings
        let clock: any WallClock
        let leaseClock: any LeaseClock
    }

    let options: Options
    let statements: StatementCache
    let epoch: String
    var declarations = Declarations()
    /// Where the next messages without a key go, by topic.
    var nextPartition: [String: Int] = [:]
    var tails: [Int64: PartitionTail] = [:]
    /// What SQLite counted when `declarations` and `tails` were last known to be the file's.
    private var dataVersion: Int64?
    private var lock: FileLock
    private let pageSize: Int
    /// When readers were last waited for, to let the write-ahead log start over.
    private var restartTried: LeaseTime?

    /// Opens the log; makes it where `options` allow it and there is none.
    init(_ options: Options) throws(Fault) {
        self.options = options
        let settings = options.settings
        let connection = try Connection(path: options.path, mode: options.mode, busyWait: settings.busyWait)
        var lock = try FileLock(path: options.path + ".lock")
        try lock.acquire(waitingAtMost: settings.busyWait)
        try Self.prepare(connection, options)
        pageSize = Int(try connection.integer("PRAGMA page_size"))
        if let bytes = settings.maximumFileBytes {
            try connection.execute("PRAGMA max_page_count = \(max(1, bytes / pageSize))")
        }
        epoch = try Schema.epoch(connection)
        lock.release()
        self.lock = lock
        statements = StatementCache(connection)
    }

    private static func prepare(_ connection: borrowing Connection, _ options: Options) throws(Fault) {
        let isNew = try Schema.isEmpty(connection)
        if isNew, options.mode == .existing {
            throw Fault(.corrupt, "\(options.path) is empty. \(Fault.advice)")
        }
        if !isNew { try Schema.check(connection) }
        // Pages of 8 KiB hold more messages each, and so cost less to fill than SQLite's 4 KiB; it counts in new files.
        try connection.execute(
            "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16384;"
                + "PRAGMA journal_size_limit = \(options.settings.checkpointBytes * 4)")
        guard isNew else { return try Schema.upgrade(connection) }
        try connection.execute("BEGIN IMMEDIATE")
        try Schema.create(connection)
        try connection.execute("COMMIT")
    }

    /// Runs the jobs in as few transactions as their size allows, and tells each how it ended once it is durable.
    func execute(_ jobs: [WriteJob], telling signal: Signal) {
        var start = 0
        while start < jobs.count {
            var end = start + 1
            var weight = jobs[start].weight
            while end < jobs.count, weight + jobs[end].weight <= Self.maximumWeight {
                weight += jobs[end].weight
                end += 1
            }
            transact(jobs[start..<end], telling: signal)
            start = end
        }
    }

    /// Bytes of messages that one transaction joins, which bounds what has to be kept in memory until its commit.
    private static let maximumWeight = 16 << 20

    private func transact(_ jobs: ArraySlice<WriteJob>, telling signal: Signal) {
        var accepted: [WriteJob.Finish] = []
        var pending = jobs
        do throws(Fault) {
            try lock.acquire(waitingAtMost: options.settings.busyWait)
            defer { lock.release() }
            do throws(Fault) {
                try begin()
                while let job = pending.first {
                    switch try run(job) {
                    case .accepted(let finish): accepted.append(finish)
                    case .refused(let finish): finish(nil)
                    }
                    pending = pending.dropFirst()
                }
                if jobs.contains(where: \.isCommit) { Waypoint.logInTransaction.reached() }
                try statements["COMMIT"].run()
            } catch {
                rollBack()
                throw error
            }
            signal.raise()
            for finish in accepted { finish(nil) }
            checkpointIfLong()
        } catch {
            for finish in accepted { finish(error) }
            for job in pending { job.fail(error) }
        }
    }

    private func begin() throws(Fault) {
        try statements["BEGIN IMMEDIATE"].run()
        // SQLite says that this number stays the same while no other connection commits.
        let current = try statements["PRAGMA data_version"].first([]) { $0.integer(0) }
        guard current == nil || current != dataVersion else { return }
        tails = [:]
        try declarations.refresh(statements)
        dataVersion = current
    }

    /// Runs one job of a transaction so that it can be refused without the others.
    private func run(_ job: WriteJob) throws(Fault) -> WriteJob.Outcome {
        guard job.isCommit else { return try job.run(self) }
        try statements["SAVEPOINT job"].run()
        let outcome = try job.run(self)
        if case .refused = outcome { try statements["ROLLBACK TO job"].run() }
        try statements["RELEASE job"].run()
        return outcome
    }

    private func rollBack() {
        (tails, declarations, dataVersion) = ([:], Declarations(), nil)
        // SQLite has rolled back by itself after some errors; a second time would only be refused.
        guard !statements.connection.isIdle else { return }
        try? statements.connection.execute("ROLLBACK")
    }

    /// Moves the write-ahead log into the file where it has grown long, under the same lock as the writes.
    ///
    /// What was committed is durable without it, so that a failure here is no failure of the commit; it is tried again
    /// after the next one.
    private func checkpointIfLong() {
        let bytes = statements.connection.writeAheadLogPages * pageSize
        guard bytes >= options.settings.checkpointBytes else { return }
        let isDue = bytes >= options.settings.checkpointBytes * 4 && mayRestart()
        try? statements.connection.checkpoint(
            restart: isDue, waitingAtMost: isDue ? Self.restartWait : options.settings.busyWait)
    }

    /// How long readers are waited for, all writers meanwhile with them, and how often at most.
    private static let restartWait = Duration.milliseconds(50)
    private static let restartPause = Duration.seconds(5)

    /// Where readers that come and go have kept the write-ahead log from starting over for long, it waits for them: but
    /// one may be frozen, or an operator's, and stay. The log then grows until it has ended.
    private func mayRestart() -> Bool {
        let now = options.leaseClock.now()
        if let last = restartTried, last.boot == now.boot,
            now.microseconds - last.microseconds < Self.restartPause.inMicroseconds
        {
            return false
        }
        restartTried = now
        return true
    }

    /// Leaves as little as possible for the next start to read again.
    func finish() {
        do throws(Fault) {
            try lock.acquire(waitingAtMost: options.settings.busyWait)
            defer { lock.release() }
            try statements.connection.checkpoint(restart: false, waitingAtMost: options.settings.busyWait)
        } catch {
            return
        }
    }
}
