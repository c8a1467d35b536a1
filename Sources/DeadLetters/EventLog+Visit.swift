import EventLog

extension EventLog {
    /// Every record of the range that is kept, in ascending order.
    ///
    /// - Throws: what `body` does; a ``LogError`` where the log cannot be read to the end of the range. Less than all is
    ///   never taken for all: what was replayed would be replayed again.
    func visit(
        _ partition: TopicPartition, _ range: Range<Offset>,
        _ body: (RecordBatch, RecordBatch.Record) async throws -> Void
    ) async throws {
        var next = range.lowerBound
        while next < range.upperBound {
            let batch = try await read(partition, from: next, to: range.upperBound, maximumBytes: 4 << 20)
            for record in batch.records { try await body(batch, record) }
            if batch.nextOffset > next {
                next = batch.nextOffset
            } else {
                next = try await firstKept(of: partition, in: next..<range.upperBound)
            }
        }
    }

    /// Where to go on where nothing is read any more: past what retention has taken meanwhile.
    private func firstKept(of partition: TopicPartition, in range: Range<Offset>) async throws(LogError) -> Offset {
        let marks = try await watermarks(of: partition.topic)[partition]
        if let marks, marks.start > range.lowerBound { return marks.start }
        let end = marks.map { "it ends at \($0.end) now" } ?? "it has no such partition any more"
        throw LogError(
            .other, doing: "read \(partition) from \(range.lowerBound) to \(range.upperBound)",
            cause: "the log gives nothing there, and \(end): what was in it is lost, or its topic was made anew")
    }
}
