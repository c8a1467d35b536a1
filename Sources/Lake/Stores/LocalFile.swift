import Foundation

/// An open file or folder; closed when it goes.
struct LocalFile: ~Copyable {
    private let descriptor: Int32

    /// - Throws: errno's words, as the kind that they mean to a store.
    init(_ path: String, flags: Int32, mode: mode_t = 0o644, doing: String) throws(StoreError) {
        descriptor = retryingOnInterrupt { open(path, flags | O_CLOEXEC, mode) }
        guard descriptor >= 0 else { throw StoreError.system(doing: doing, call: "open") }
    }

    deinit { close(descriptor) }

    func write(_ bytes: [UInt8], doing: String) throws(StoreError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                retryingOnInterrupt {
                    Foundation.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
                }
            }
            guard count >= 0 else { throw StoreError.system(doing: doing, call: "write") }
            written += count
        }
    }

    func readToEnd(doing: String) throws(StoreError) -> [UInt8] {
        let size = try information(doing: doing).st_size
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                retryingOnInterrupt {
                    read(descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled)
                }
            }
            guard count >= 0 else { throw StoreError.system(doing: doing, call: "read") }
            // Shorter than it was a moment ago: what is there is what the caller shall judge.
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    func information(doing: String) throws(StoreError) -> stat {
        var information = stat()
        guard fstat(descriptor, &information) == 0 else { throw StoreError.system(doing: doing, call: "fstat") }
        return information
    }

    /// Makes the content durable; of a folder, its entries.
    func synchronize(doing: String) throws(StoreError) {
        guard retryingOnInterrupt({ fsync(descriptor) }) == 0 else {
            throw StoreError.system(doing: doing, call: "fsync")
        }
    }
}

/// POSIX: a call that a signal interrupted fails with EINTR and may be made again.
func retryingOnInterrupt<Number: SignedInteger>(_ call: () -> Number) -> Number {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

extension StoreError {
    /// The error that errno tells of, right after the call that failed.
    static func system(doing: String, call: String) -> StoreError {
        let number = errno
        let kind: Kind =
            switch number {
            case ENOENT: .absent
            // A part of the key is an object itself, or the object's place is a folder: a local store cannot hold both.
            case ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP: .forbiddenKey
            default: .unavailable
            }
        return StoreError(kind, doing: doing, cause: "\(call): \(String(cString: strerror(number)))")
    }
}
