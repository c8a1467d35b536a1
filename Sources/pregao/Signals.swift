import Dispatch
import Foundation
import Runtime

/// SIGTERM and SIGINT drain; a second one ends the program at once. Nothing accepted is lost either way: what is not
/// finished stands in the log and is taken up at the next start.
final class Signals {
    private var sources: [any DispatchSourceSignal] = []

    /// - Parameter logger: is told where nobody sits at a terminal, so that whoever reads its lines finds no other.
    init(requesting shutdown: Shutdown, drain: Duration, logger: Logger? = nil) {
        for number in [SIGTERM, SIGINT] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler {
                // 128 + n is what a shell reports for a program that signal n ended.
                if shutdown.isRequested { _exit(128 + number) }
                if let logger, isatty(STDERR_FILENO) == 0 {
                    logger.info("finishing what has been taken; once more to end at once", ["limit": drain])
                } else {
                    Output.complain(
                        "pregao: finishing what has been taken, for \(drain.plainWords) at most; once more to end at once"
                    )
                }
                shutdown.request()
            }
            source.resume()
            sources.append(source)
        }
    }

    deinit { for source in sources { source.cancel() } }
}
