/// What the file holds, and whether it is one of ours.
///
/// Every partition has a table of its own, `messages_<partition>`, whose row number is the offset: appends always go to
/// the end of a B-tree, which SQLite fills page by page, and reads follow it. The last message alone says where the
/// partition ends, so that an append writes nothing else; `partitions` says it only of what retention has removed.
enum Schema {
    /// "PRGO", which `file` and SQLite show as the file's application.
    static let application: Int64 = 0x5052_474F
    static let version: Int64 = 1

    static let tables = """
        CREATE TABLE log(
            id INTEGER PRIMARY KEY CHECK (id = 1),
            epoch TEXT NOT NULL,
            declarations INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE topics(
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            compact INTEGER NOT NULL,
            age INTEGER,
            bytes INTEGER
        ) STRICT;
        CREATE TABLE partitions(
            id INTEGER PRIMARY KEY,
            topic INTEGER NOT NULL REFERENCES topics,
            number INTEGER NOT NULL,
            start_offset INTEGER NOT NULL DEFAULT 0,
            start_bytes INTEGER NOT NULL DEFAULT 0,
            end_offset INTEGER NOT NULL DEFAULT 0,
            end_bytes INTEGER NOT NULL DEFAULT 0,
            last_timestamp INTEGER NOT NULL DEFAULT 0,
            UNIQUE (topic, number)
        ) STRICT;
        CREATE TABLE consumer_groups(
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            generation INTEGER NOT NULL DEFAULT 0,
            revision INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE TABLE members(
            consumer_group INTEGER NOT NULL REFERENCES consumer_groups,
            instance TEXT NOT NULL,
            generation INTEGER NOT NULL,
            boot TEXT NOT NULL,
            expires INTEGER NOT NULL,
            PRIMARY KEY (consumer_group, instance)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE subscriptions(
            consumer_group INTEGER NOT NULL,
            instance TEXT NOT NULL,
            topic INTEGER NOT NULL REFERENCES topics,
            PRIMARY KEY (consumer_group, instance, topic)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE positions(
            consumer_group INTEGER NOT NULL REFERENCES consumer_groups,
            partition INTEGER NOT NULL REFERENCES partitions,
            position INTEGER NOT NULL,
            committed INTEGER NOT NULL DEFAULT 0,
            instance TEXT,
            generation INTEGER,
            revoking INTEGER NOT NULL DEFAULT 0,
            PRIMARY KEY (consumer_group, partition)
        ) STRICT, WITHOUT ROWID;
        \(readers)
        """

    /// The groups that are to read a topic, by name, since they need not have joined yet. Logs of the first version
    /// were made without it.
    private static let readers = """
        CREATE TABLE IF NOT EXISTS readers(
            topic INTEGER NOT NULL REFERENCES topics,
            consumer_group TEXT NOT NULL,
            PRIMARY KEY (topic, consumer_group)
        ) STRICT, WITHOUT ROWID;
        """

    /// Adds to a file what an older program made it without; where nothing is missing, nothing is written.
    static func upgrade(_ connection: borrowing Connection) throws(Fault) { try connection.execute(readers) }

    static func messages(_ partition: Int64) -> String {
        """
        CREATE TABLE messages_\(partition)(
            offset INTEGER PRIMARY KEY,
            timestamp INTEGER NOT NULL,
            end_bytes INTEGER NOT NULL,
            key BLOB,
            value BLOB,
            headers BLOB
        ) STRICT
        """
    }

    /// Makes the tables in a file that has none.
    static func create(_ connection: borrowing Connection) throws(Fault) {
        try connection.execute(
            """
            \(tables)
            INSERT INTO log VALUES (1, '\(newEpoch())', 0);
            PRAGMA application_id = \(application);
            PRAGMA user_version = \(version);
            """)
    }

    static func isEmpty(_ connection: borrowing Connection) throws(Fault) -> Bool {
        let tables = try connection.integer("SELECT count(*) FROM sqlite_schema")
        let application = try connection.integer("PRAGMA application_id")
        return tables == 0 && application == 0
    }

    /// - Throws: a fault of kind `corrupt` where the file is not a log that this version reads.
    static func check(_ connection: borrowing Connection) throws(Fault) {
        guard try connection.integer("PRAGMA application_id") == application else {
            throw Fault(.corrupt, "\(connection.path) is an SQLite file but not a log of Pregão. Name another path")
        }
        let found = try connection.integer("PRAGMA user_version")
        guard found == version else {
            throw Fault(
                .corrupt,
                "\(connection.path) has format \(found), this program reads \(version). Run the newer Pregão")
        }
        _ = try epoch(connection)
    }

    static func epoch(_ connection: borrowing Connection) throws(Fault) -> String {
        let statement = try connection.prepare("SELECT epoch FROM log")
        guard try statement.step() else {
            throw Fault(.corrupt, "\(connection.path) has lost its epoch. \(Fault.advice)")
        }
        return statement.text(0)
    }

    private static func newEpoch() -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz0123456789")
        return String((0..<8).map { _ in alphabet[Int.random(in: 0..<alphabet.count)] })
    }
}
