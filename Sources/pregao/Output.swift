import Foundation
import Terminal

/// Standard output is for results, standard error for everything else.
enum Output {
    static func write(_ text: String) { write(Array(text.utf8)[...]) }

    /// A result that cannot be written whole is no result: the program ends here, quietly where nobody reads any more
    /// (`pregao query | head`), else with words and ``ExitCode/inputOutput``.
    static func write(_ bytes: ArraySlice<UInt8>) {
        let code = put(bytes, to: STDOUT_FILENO)
        guard code != 0 else { return }
        guard code != EPIPE else { exit(ExitCode.success.rawValue) }
        complain("pregao: cannot write to standard output: \(String(cString: strerror(code)))")
        exit(ExitCode.inputOutput.rawValue)
    }

    static func complain(_ line: String) { _ = put(Array((line + "\n").utf8)[...], to: STDERR_FILENO) }

    /// - Returns: 0, or the system's error.
    private static func put(_ bytes: ArraySlice<UInt8>, to descriptor: Int32) -> Int32 {
        var bytes = bytes
        while !bytes.isEmpty {
            let written = bytes.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 {
                guard errno == EINTR else { return errno }
                continue
            }
            bytes = bytes.dropFirst(written)
        }
        return 0
    }

    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}
