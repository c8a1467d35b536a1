import MarketData

/// Counts the rows of each trading day, with the first and the last time among them.
struct DayTally {
    private struct Content {
        let day: Int32
        var rows: Int64 = 0
        var first = Int64.max
        var last = Int64.min
    }

    private var contents: [Content] = []
    private var places: [Int32: Int] = [:]
    /// Rows of one day mostly come together.
    private var latest = 0

    mutating func add(day: Int32, time: Int64) {
        if latest >= contents.count || contents[latest].day != day { latest = place(of: day) }
        contents[latest].rows += 1
        contents[latest].first = min(contents[latest].first, time)
        contents[latest].last = max(contents[latest].last, time)
    }

    private mutating func place(of day: Int32) -> Int {
        if let place = places[day] { return place }
        contents.append(Content(day: day))
        places[day] = contents.count - 1
        return contents.count - 1
    }

    var count: Int { contents.count }

    /// Ascending by day.
    var days: [Announcement.DayContent] {
        contents.sorted { $0.day < $1.day }.map { content in
            Announcement.DayContent(
                day: Day(daysSinceEpoch: content.day), rows: content.rows, first: Instant(microseconds: content.first),
                last: Instant(microseconds: content.last))
        }
    }
}
