import Foundation
import Runtime
import Terminal

/// The names that a process works under, each held by a lock on a file of its own: a second process under the same name
/// would take the first one's partitions from it, and end it.
///
/// The kernel gives a lock up when its holder dies, however it dies, so that a successor never waits.
struct InstanceLocks: ~Copyable {
    private var descriptors: [Int32] = []

    /// - Parameters:
    ///   - names: such as `flusher-2`, unique to a stage's instance.
    ///   - next: what a person is told to do where another process works under one of the names.
    /// - Throws: exit code 75 where another process works under one of the names.
    init(_ names: [String], in folder: String, next: String = Self.oneProcessEach) throws(CommandError) {
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw Self.cannot("make \(folder)", plainWords(of: error))
        }
        for name in names {
            let safe = name.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(["-", "_", "."])) ?? name
            descriptors.append(try Self.lock("\(folder)/\(safe).lock", name, next: next))
        }
    }

    deinit { for descriptor in descriptors { close(descriptor) } }

    private static func cannot(_ doing: String, _ cause: String) -> CommandError {
        CommandError(
            "\(doing): \(cause)", next: "Make room, or make the folder writable; then start again.",
            exitCode: .inputOutput)
    }

    private static let oneProcessEach = """
        One 'pregao run' a data folder is enough. More of a stage each need a name of their own, as with \
        --set flusher.instance=flusher-2.
        """

    private static func lock(_ path: String, _ name: String, next: String) throws(CommandError) -> Int32 {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw cannot("open \(path)", String(cString: strerror(errno)))
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let holder = String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
            close(descriptor)
            throw CommandError(
                "\(name) is at work on this data folder already, in process \(holder.isEmpty ? "?" : holder)",
                next: next, exitCode: .temporary)
        }
        let holder = Array("\(getpid())".utf8)
        if ftruncate(descriptor, 0) == 0 { _ = pwrite(descriptor, holder, holder.count, 0) }
        return descriptor
    }
}
