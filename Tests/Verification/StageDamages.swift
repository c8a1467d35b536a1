import EventLog
import Lake
import MarketData
import Warehouse

@testable import Verification

/// What a wrong stage would do to what comes next: quotes of the slots 20 and 21.
let stageDamages: [Damage] = [
    Damage("a row dropped before encoding", .messages) { pipeline in
        let offset = try await pipeline.appendNextQuotes()
        let announced = try await pipeline.flush(dropping: offset)
        try await pipeline.archive()
        try await pipeline.refine()
        return try key(of: offset, in: announced)
    },
    Damage("a row dropped before encoding, and called rejected", .messages) { pipeline in
        let offset = try await pipeline.appendNextQuotes()
        let announced = try await pipeline.flush(dropping: offset, callingItRejected: true)
        try await pipeline.archive()
        try await pipeline.refine()
        return try key(of: offset, in: announced)
    },
    Damage("an announcement lost", .ranges) { pipeline in
        let offset = try await pipeline.appendNextQuotes()
        let announced = try await pipeline.flush(announcing: false)
        try await pipeline.archive()
        let it = try object(of: offset, in: announced)
        return "\(it.topic)~\(it.epoch)/\(it.partition) [\(it.start), \(it.end))"
    },
    Damage("a range announced twice, and not yet archived", .ranges) { pipeline in
        let second = try await pipeline.secondObject()
        _ = try await pipeline.log.append([pipeline.message(of: second)])
        return "\(second.topic)~\(second.epoch)/\(second.partition) [\(second.start), \(second.end))"
    },
    Damage("a range announced twice, and refused", .refused) { pipeline in
        let second = try await pipeline.secondObject()
        try await pipeline.catalog.refuse(second, reason: "its range overlaps")
        return second.key
    },
    Damage("a range registered twice", .ranges) { pipeline in
        let second = try await pipeline.secondObject()
        let first = try await pipeline.firstQuotes().announcement.key
        try await pipeline.edit(
            """
            INSERT INTO lake.pregao.objects SELECT * REPLACE ('\(second.key)' AS key, '\(second.sha256)' AS sha256)
            FROM lake.pregao.objects WHERE key = '\(first)';
            """)
        return "\(second.topic)~\(second.epoch)/\(second.partition) [\(second.start), \(second.end))"
    },
    Damage("an object refused", .refused) { pipeline in
        let offset = try await pipeline.appendNextQuotes()
        let announced = try await pipeline.flush()
        let refused = try object(of: offset, in: announced)
        try await pipeline.catalog.refuse(refused, reason: "absent")
        return refused.key
    },
    Damage("the ledger ahead of the flushers", .ranges) { pipeline in
        let offset = try await pipeline.appendNextQuotes()
        let position = try await pipeline.partition(of: offset)
        let made = try await pipeline.encode(position, of: Datasets.quotes, offset..<offset + 1).announcement
        _ = try await pipeline.log.append([pipeline.message(of: made)])
        try await pipeline.archive()
        return "\(made.topic)~\(made.epoch)/\(made.partition) [\(made.start), \(made.end))"
    },
]

private func object(of offset: Offset, in announced: [Announcement]) throws -> Announcement {
    guard let found = announced.first(where: { $0.dataset == "quotes" && $0.start <= offset && offset < $0.end })
    else { throw SmallPipeline.Unexpected("no object holds \(offset)") }
    return found
}

private func key(of offset: Offset, in announced: [Announcement]) throws -> String {
    try object(of: offset, in: announced).key
}

extension SmallPipeline {
    /// Appends two quotes of the first symbol.
    ///
    /// - Returns: the first one's offset.
    func appendNextQuotes() async throws -> Offset {
        let symbol = Samples.symbols[0]
        let positions = try await log.append([
            try Samples.quote(symbol, slot: 20), try Samples.quote(symbol, slot: 21),
        ])
        return positions[0].offset
    }

    /// The first symbol's partition, in which the offset is one of the two last.
    func partition(of offset: Offset) async throws -> TopicPartition {
        let all = try await log.watermarks(of: Datasets.quotes.topic)
        guard let found = all.first(where: { $0.value.end == offset + 2 })?.key else { throw Unexpected("\(offset)") }
        return found
    }

    /// Another object over the range of the first.
    fileprivate func secondObject() async throws -> Announcement {
        let it = try await firstQuotes().announcement
        let partition = TopicPartition(topic: it.topic, partition: it.partition)
        return try await encode(partition, of: Datasets.quotes, it.start..<it.end, dropping: it.start).announcement
    }
}
