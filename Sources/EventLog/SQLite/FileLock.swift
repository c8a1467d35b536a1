import Foundation

/// The lock that every write and every checkpoint takes, in all processes.
///
/// SQLite before 3.51.3 has a rare fault when connections write and checkpoint a write-ahead log at the same time.
/// The kernel gives the lock up when its holder dies.
struct FileLock: ~Copyable {
    private let descriptor: Int32
    private let path: String

    init(path: String) throws(Fault) {
        self.path = path
        descriptor = Foundation.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            throw Fault(.cannotWrite, "\(path) cannot be opened: \(reason). Make the folder writable")
        }
    }

    deinit { Foundation.close(descriptor) }

    /// Waits for the lock, by trying with growing pauses: flock has no time limit of its own.
    func acquire(waitingAtMost limit: Duration) throws(Fault) {
        let deadline = ContinuousClock.now + limit
        var pause: useconds_t = 100
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let error = errno
            guard error == EWOULDBLOCK || error == EINTR else {
                throw Fault(.other, "\(path) cannot be locked: \(String(cString: strerror(error)))")
            }
            guard ContinuousClock.now < deadline else {
                throw Fault(.busy, "another process has held \(path) for \(limit); try again")
            }
            usleep(pause)
            pause = min(pause * 2, 2000)
        }
    }

    func release() { _ = flock(descriptor, LOCK_UN) }
}
