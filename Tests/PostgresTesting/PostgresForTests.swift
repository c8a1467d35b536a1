import Foundation

/// A PostgreSQL server of the tests' own, in a temporary folder: started by the first test that needs one, gone with
/// the tests' process, however that ends.
public final class PostgresForTests: Sendable {
    /// What it could not be started for.
    public struct Fault: Error, CustomStringConvertible {
        public let description: String
    }

    /// The folder of its socket.
    public let folder: String
    public let port: Int
    /// Of the user `pregao`, asked for over TCP alone.
    public static let password = "it's a secret: 5%"
    public static let database = "lakes"

    private static let one = Result { () throws(Fault) in try PostgresForTests() }

    /// Blocks until the server answers.
    public static func server() throws(Fault) -> PostgresForTests { try one.get() }

    /// Of the database `lakes`, through the socket.
    public var uri: String { uri(ofDatabase: Self.database) }

    public func uri(ofDatabase name: String) -> String { "postgresql://pregao@/\(name)?host=\(folder)&port=\(port)" }

    /// A schema that no other test uses.
    public static func unusedSchema() -> String { "t_\(UInt64.random(in: 0...UInt64.max))" }

    private init() throws(Fault) {
        folder =
            FileManager.default.temporaryDirectory.appending(path: "pregao-pg-\(UInt32.random(in: 0...UInt32.max))")
            .path
        port = Int.random(in: 20_000..<30_000)
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            try Self.password.write(toFile: "\(folder)/password", atomically: false, encoding: .utf8)
        } catch {
            throw Fault(description: "make \(folder): \(error)")
        }
        var command = ["/bin/sh", "-c", Self.script, "postgres", try Self.programs(), folder, "\(port)", Self.database]
        if geteuid() == 0 {
            // It refuses to run as root.
            guard let user = getpwnam("postgres") else { throw Fault(description: "there is no user postgres") }
            for path in [folder, "\(folder)/password"] { chown(path, user.pointee.pw_uid, user.pointee.pw_gid) }
            command = ["/usr/bin/setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"] + command
        }
        try start(command)
    }

    /// Ends when its standard input does, which this process alone holds open.
    private static let script = """
        programs=$1 folder=$2 port=$3 database=$4
        cd "$folder" && exec 2> log
        "$programs/initdb" -D data -U pregao -A scram-sha-256 --pwfile=password --no-sync -E UTF8 --locale=C > log || exit 1
        { echo 'local all all trust'; echo 'host all all 127.0.0.1/32 scram-sha-256'; } > data/pg_hba.conf
        "$programs/postgres" -D data -k "$folder" -p "$port" -c listen_addresses=127.0.0.1 -c fsync=off \\
          -c max_connections=200 >> log 2>&1 &
        server=$!
        until "$programs/createdb" -h "$folder" -p "$port" -U pregao "$database" 2> /dev/null; do
          kill -0 "$server" || exit 1
          sleep 0.1
        done
        echo ready
        cat > /dev/null
        kill -QUIT "$server"
        wait "$server"
        cd / && rm -rf "$folder"
        """

    private func start(_ command: [String]) throws(Fault) {
        let (input, output) = (Pipe(), Pipe())
        for handle in [input.fileHandleForWriting, output.fileHandleForReading] {
            // No child but the server's is to hold an end.
            _ = fcntl(handle.fileDescriptor, F_SETFD, FD_CLOEXEC)
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.standardInput = input
        process.standardOutput = output
        do { try process.run() } catch { throw Fault(description: "start PostgreSQL: \(error)") }
        let said = output.fileHandleForReading.availableData
        guard String(decoding: said, as: UTF8.self).hasPrefix("ready") else {
            let log = (try? String(contentsOfFile: "\(folder)/log", encoding: .utf8)) ?? ""
            throw Fault(description: "PostgreSQL does not start: \(log)")
        }
        // Held open for as long as this process lives.
        _ = Unmanaged.passRetained(input)
    }

    private static func programs() throws(Fault) -> String {
        let root = "/usr/lib/postgresql"
        let versions = ((try? FileManager.default.contentsOfDirectory(atPath: root)) ?? []).compactMap(Int.init)
        guard let newest = versions.max() else {
            throw Fault(description: "no PostgreSQL in \(root): run scripts/setup tests")
        }
        return "\(root)/\(newest)/bin"
    }
}
