import Foundation

/// The lock that every write and every checkpoint takes, in all processes.
///
/// SQLite before 3.51.3 has a rare fault when connections write and checkpoint a write-ahead log at the same time.
/// The kernel gives the lock up when its holder dies.
struct FileLock: ~Copyable {
    private let descriptor: Int32
    private let path: String
    /// Until when to do without the turn, whose holder seems to be frozen.
    private var turnIsStuckUntil = ContinuousClock.now

    init(path: String) throws(Fault) {
        self.path = path
        descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw Fault(.cannotWrite, "\(path) cannot be opened: \(reason). Make the folder writable")
        }
    }

    deinit { Foundation.close(descriptor) }

    /// Waits for the lock, by trying again and again: flock has no time limit of its own.
    ///
    /// Whoever waits holds the turn meanwhile, and the lock is taken only in turn: else a process that writes without a
    /// pause would take it again before those that wait had tried.
    mutating func acquire(waitingAtMost limit: Duration) throws(Fault) {
        let start = ContinuousClock.now
        var hasTurn = false
        if start >= turnIsStuckUntil {
            hasTurn = try attempt(until: start + min(limit, .milliseconds(100))) { setTurn(F_WRLCK) }
            if !hasTurn { turnIsStuckUntil = start + .seconds(5) }
        }
        defer { if hasTurn { _ = setTurn(F_UNLCK) } }
        guard try attempt(until: start + limit, { flock(descriptor, LOCK_EX | LOCK_NB) }) else {
            throw Fault(.busy, "another process has held \(path) for \(limit); try again")
        }
    }

    func release() { _ = flock(descriptor, LOCK_UN) }

    /// The turn is a lock on the file's first byte, which has nothing to do with what flock locks.
    func setTurn(_ type: Int32) -> Int32 {
        var range = flock()
        range.l_type = Int16(type)
        range.l_whence = Int16(SEEK_SET)
        range.l_len = 1
        return fcntl(descriptor, Self.setLock, &range)
    }

    /// Linux's F_OFD_SETLK, which the C library's module leaves out: as flock's, its locks are the open file's, not the
    /// process's.
    private static let setLock: Int32 = 37

    /// - Returns: false where it did not succeed until then.
    private func attempt(until deadline: ContinuousClock.Instant, _ lock: () -> Int32) throws(Fault) -> Bool {
        var pause: useconds_t = 25
        while lock() != 0 {
            let error = errno
            guard error == EWOULDBLOCK || error == EACCES || error == EINTR else {
                throw Fault(.other, "\(path) cannot be locked: \(String(cString: strerror(error)))")
            }
            guard ContinuousClock.now < deadline else { return false }
            usleep(pause)
            pause = min(pause * 2, 400)
        }
        return true
    }
}
