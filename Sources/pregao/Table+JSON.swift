import JSON
import Terminal

extension Table {
    /// One JSON object a row, its members in the order of the columns.
    var jsonLines: String {
        var writer = JSONWriter()
        var lines = ""
        for row in rows {
            writer.reset()
            writer.beginObject()
            for (column, cell) in zip(columns, row) {
                writer.name(column)
                switch cell {
                case .text(let text): writer.string(text)
                case .number(let number): writer.integer(number)
                case .none: writer.null()
                }
            }
            writer.endObject()
            lines += String(decoding: writer.bytes, as: UTF8.self) + "\n"
        }
        return lines
    }
}
