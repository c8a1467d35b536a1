import CSQLite

/// Why a step inside the log failed, before it is known what the step was part of.
struct Fault: Error {
    let kind: LogError.Kind
    let cause: String
    /// SQLite itself failed, so that the whole transaction is void, with all that was joined into it.
    let voidsTransaction: Bool

    init(_ kind: LogError.Kind, _ cause: String) {
        self.kind = kind
        self.cause = cause
        voidsTransaction = false
    }

    /// - Parameter code: SQLite's extended result code.
    init(code: Int32, message: String, path: String) {
        kind = Self.kind(of: code)
        let words = "\(message) (SQLite code \(code)) in \(path)"
        cause =
            switch kind {
            case .corrupt: "\(words). \(Self.advice)"
            case .cannotWrite: "\(words). Make room on the disk, or the folder writable; it is tried again then"
            case .busy: "\(words). Another process holds the log; try again"
            default: words
            }
        voidsTransaction = true
    }

    static let advice =
        "Stop everything that uses the file, then move its folder aside, whole: the next start makes a new log, of"
        + " another epoch. An older copy of the file is no help: it would give out again the offsets that are archived"

    func whileDoing(_ doing: String) -> LogError { LogError(kind, doing: doing, cause: cause) }

    private static func kind(of code: Int32) -> LogError.Kind {
        switch code & 0xff {
        case SQLITE_CORRUPT, SQLITE_NOTADB, SQLITE_FORMAT: .corrupt
        case SQLITE_FULL, SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM: .cannotWrite
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL: .busy
        case SQLITE_TOOBIG: .messageTooLarge
        case SQLITE_IOERR:
            switch code >> 8 {
            // SQLite says SQLITE_FULL for ENOSPC only; EDQUOT, EFBIG and failed syncs come as these.
            case 3, 4, 5, 6, 19: .cannotWrite
            // A read that the file is too short for.
            case 2: .corrupt
            default: .other
            }
        default: .other
        }
    }
}
