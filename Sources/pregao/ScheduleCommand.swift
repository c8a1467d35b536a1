import Batch
import Configuration
import Poller
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
                table.append([.text("poll"), .text("\(feed.name) \(symbol)"), .text("every \(interval)")])
            }
        }
        for model in try workplace.models().inOrder {
            let refresh = workplace.configuration.batch.refresh ?? model.refresh
            let open = refresh.map { ", an open day at most every \($0)" } ?? ""
            table.append([.text("model"), .text(model.name), .text("\(model.due)\(open)")])
        }
        arguments.print(table)
        return .success
    }
}
