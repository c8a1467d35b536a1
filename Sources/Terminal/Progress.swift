import Foundation
import Synchronization

/// How far a longer work has come: a bar that is drawn over on a terminal, a plain line at every tenth elsewhere.
public final class ProgressReport: Sendable {
    private struct State {
        var lastTenth = -1
        var isDrawn = false
    }

    private let title: String
    private let isTerminal: Bool
    private let write: @Sendable (String) -> Void
    private let state = Mutex(State())

    public init(
        _ title: String, isTerminal: Bool = isatty(STDERR_FILENO) == 1,
        write: @escaping @Sendable (String) -> Void = { FileHandle.standardError.write(Data($0.utf8)) }
    ) {
        self.title = title
        self.isTerminal = isTerminal
        self.write = write
    }

    /// - Parameter note: a few words on what is being done now.
    public func update(done: Int, of total: Int, note: String = "") {
        let fraction = total > 0 ? Double(done) / Double(total) : 1
        let text = "\(title) \(done)/\(total)\(note.isEmpty ? "" : " \(note)")"
        state.withLock { state in
            if isTerminal {
                let filled = Int(fraction * 30)
                let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 30 - filled)
                // CSI K erases what a longer line left behind (ECMA-48, EL).
                write("\r\(bar) \(text)\u{1B}[K")
                state.isDrawn = true
            } else if Int(fraction * 10) > state.lastTenth {
                state.lastTenth = Int(fraction * 10)
                write(text + "\n")
            }
        }
    }

    public func finish() {
        state.withLock { state in
            if state.isDrawn { write("\n") }
            state.isDrawn = false
        }
    }
}
