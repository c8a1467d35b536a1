import Foundation
import MarketData
import Runtime
import Synchronization

/// The temporary files of a local store, and what crashes left of them.
final class LocalLeftovers: Sendable {
    private let folder: String
    private let clock: any WallClock
    private let grace: Duration
    private let numbering = Mutex(0)
    private let lookedAt = Mutex<Instant?>(nil)

    init(folder: String, clock: any WallClock, grace: Duration) {
        self.folder = folder
        self.clock = clock
        self.grace = grace
    }

    /// A path that no other put uses, in this process or another. The first call, and one each grace after
    /// it, removes what crashes left.
    func newPath(doing: String) throws(StoreError) -> String {
        let number = numbering.withLock { next in
            next += 1
            return next
        }
        // A put whose root vanished meanwhile finds no parent here; it fails and is tried again.
        if mkdir(folder, 0o755) != 0, errno != EEXIST { throw .system(doing: doing, call: "mkdir \(folder)") }
        if isDue() { removeOld() }
        // A process id comes again after a restart, and after a crash so does its file; the random part does not.
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        return "\(folder)/\(getpid())-\(number)-\(random)"
    }

    /// A crash may come just before another process's start, and long before the next one: so once is not enough.
    private func isDue() -> Bool {
        let now = clock.now()
        return lookedAt.withLock { last in
            // The clock may jump, either way.
            if let last, abs(now.microseconds(since: last)) < grace.components.seconds * 1_000_000 { return false }
            last = now
            return true
        }
    }

    /// Removes files that no put can still be writing. What cannot be removed takes space and harms nothing.
    private func removeOld() {
        let seconds = grace.components.seconds
        let newest = clock.now().adding(microseconds: -seconds * 1_000_000)
        let names = (try? LocalFolders.names(in: folder, doing: "clean \(folder)")) ?? []
        for path in names.map({ "\(folder)/\($0)" }) {
            var information = stat()
            guard lstat(path, &information) == 0, information.modified < newest else { continue }
            unlink(path)
        }
    }
}

extension stat {
    /// When the content was last written.
    var modified: Instant {
        Instant(microseconds: Int64(st_mtim.tv_sec) * 1_000_000 + Int64(st_mtim.tv_nsec) / 1000)
    }
}
