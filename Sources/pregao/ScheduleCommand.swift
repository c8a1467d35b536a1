import Batch
import Configuration
import Poller
import Runtime
import Terminal

enum ScheduleCommand {
    static let command: Command = Command(
        "schedule", "Show what is polled and computed when",
        options: CommonOptions.settings + [CommonOptions.json]
    ) { arguments in
        let workplace = Workplace(try arguments.configuration(), component: "schedule")
        var table = Table(["what", "name", "when"])
        for feed in workplace.configuration.poller.feeds {
            for symbol in feed.symbols {
                let interval = feed.intervals[symbol] ?? feed.interval
                table.append([.text("poll"), .text("\(feed.name) \(symbol)"), .text("every \(interval.plainWords)")])
            }
        }
        for model in try workplace.models().inOrder {
            let refresh = workplace.configuration.batch.refresh ?? model.refresh
            let open = refresh.map { ", an open day at most every \($0.plainWords)" } ?? ""
            table.append([.text("model"), .text(model.name), .text("\(words(for: model.due))\(open)")])
        }
        arguments.print(table)
        return .success
    }

    private static func words(for due: Model.Due) -> String {
        switch due {
        case .onArrival: return "as soon as a day changes"
        case .afterClose(let minutes, let timeZone):
            let time = [minutes / 60, minutes % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":")
            return "a day that is over at \(time) \(timeZone), and again when it changes"
        }
    }
}
