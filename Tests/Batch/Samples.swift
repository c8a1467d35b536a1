import Batch
import MarketData

/// What tests of several files share.
enum Samples {
    static let day = Day(daysSinceEpoch: 20_777)
    static let minutes = minutesModel(refresh: .seconds(300))
    static let daily = model("refined.days", sources: ["refined.minutes"])

    static func minutesModel(refresh: Duration?) -> Model {
        model(
            "refined.minutes", sources: ["raw.quotes"],
            window: Model.Window(column: "minute", of: "observed_at", lengthInMicroseconds: 60_000_000),
            due: .afterClose(minutes: 5, timeZone: "UTC"), refresh: refresh)
    }

    static func table(_ name: String) -> TableName {
        guard let table = TableName(name) else { preconditionFailure("\(name) is no table") }
        return table
    }

    static func model(
        _ name: String, sources: [String], window: Model.Window? = nil, due: Model.Due = .onArrival,
        refresh: Duration? = nil
    ) -> Model {
        Model(
            table: table(name), description: "", columns: [ModelColumn("trading_day", .day, "")],
            grain: ["trading_day"], sources: sources.map(table), window: window, due: due, refresh: refresh,
            query: "SELECT DISTINCT trading_day FROM \(sources[0])")
    }
}
