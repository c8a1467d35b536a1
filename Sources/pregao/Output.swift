import Foundation

/// Standard output is for results, standard error for everything else.
enum Output {
    static func write(_ text: String) { put(text, to: STDOUT_FILENO) }

    static func complain(_ line: String) { put(line + "\n", to: STDERR_FILENO) }

    /// A pipe that nobody reads any more is no fault of ours, so that the rest is dropped.
    private static func put(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                guard errno == EINTR else { return }
                continue
            }
            bytes = bytes.dropFirst(written)
        }
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}
