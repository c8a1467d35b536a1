import EventLog
import Lake
import MarketData
import Testing
import Warehouse

@testable import Verification

/// What can happen to objects in raw, backup and refined.
let fileDamages: [Damage] = [
    Damage("a byte flipped in a raw object", .objects, .full) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key
        try Files.flipByte(pipeline.raw.location(of: key))
        return key
    },
    Damage("a raw object removed", .objects) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key
        try Files.remove(pipeline.raw.location(of: key))
        return key
    },
    Damage("a raw object renamed", .orphans) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key
        try Files.rename(pipeline.raw.location(of: key), to: pipeline.raw.location(of: key) + ".old")
        return key + ".old"
    },
    Damage("a raw object truncated", .objects) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key
        try Files.truncate(pipeline.raw.location(of: key))
        return key
    },
    Damage("two raw objects swapped", .objects, .full) { pipeline in
        // The two partitions' first objects: as many rows, and as many bytes.
        let objects = try await pipeline.quotes().map(\.announcement)
        guard let other = objects.first(where: { $0.partition != objects[0].partition && $0.rows == objects[0].rows })
        else { throw SmallPipeline.Unexpected("no two objects are alike") }
        try Files.swap(pipeline.raw.location(of: objects[0].key), pipeline.raw.location(of: other.key))
        return objects[0].key
    },
    Damage("a byte flipped in a backup", .backup, .full) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key
        try Files.flipByte(pipeline.backup.location(of: key))
        return key
    },
    Damage("a backup removed", .backup) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key
        try Files.remove(pipeline.backup.location(of: key))
        return key
    },
    Damage("a backup truncated", .backup) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key
        try Files.truncate(pipeline.backup.location(of: key))
        return key
    },
    Damage("an announcement removed from backup", .backup) { pipeline in
        let key = try await pipeline.firstQuotes().announcement.key + ".json"
        try Files.remove(pipeline.backup.location(of: key))
        return key
    },
    Damage("two announcements swapped in backup", .backup) { pipeline in
        let keys = try await pipeline.quotes().map { $0.announcement.key + ".json" }
        try Files.swap(pipeline.backup.location(of: keys[0]), pipeline.backup.location(of: keys[1]))
        return keys[1]
    },
    Damage("a byte flipped in a refined file", .refined, .full) { pipeline in
        let day = try await pipeline.published("refined.quotes_1m")
        try Files.flipByte(day.path ?? "")
        return "refined.quotes_1m \(day.day)"
    },
    Damage("a refined file removed", .refined) { pipeline in
        let day = try await pipeline.published("refined.quotes_daily")
        try Files.remove(day.path ?? "")
        return "refined.quotes_daily \(day.day)"
    },
    Damage("a refined file truncated", .refined) { pipeline in
        let day = try await pipeline.published("refined.quotes_daily")
        try Files.truncate(day.path ?? "")
        return "refined.quotes_daily \(day.day)"
    },
    Damage("an object that nothing announces", .orphans) { pipeline in
        let it = try await pipeline.firstQuotes().announcement
        let partition = TopicPartition(topic: it.topic, partition: it.partition)
        let made = try await pipeline.encode(partition, of: Datasets.quotes, it.start..<it.end - 1)
        return made.announcement.key
    },
    Damage("a refined file that was never published", .orphans) { pipeline in
        let path = try #require(try await pipeline.published("refined.quotes_daily").path)
        let key = path.split(separator: "/").suffix(4).joined(separator: "/")
        return try Files.copy(key, as: "0123456789abcdef", below: pipeline.folder + "/")
    },
]
