import Batch
import Foundation
import Lake
import MarketData
import Warehouse

@testable import Verification

/// What can happen where raw objects have expired.
let expirationDamages: [Damage] = [
    Damage("a backup of an expired object removed", .backup) { pipeline in
        let file = try await pipeline.expire()
        try Files.remove(pipeline.backup.location(of: file.inputs[0]))
        return file.inputs[0]
    },
    Damage("a byte flipped in a backup of an expired object", .backup, .full) { pipeline in
        let file = try await pipeline.expire()
        try Files.flipByte(pipeline.backup.location(of: file.inputs[0]))
        return file.inputs[0]
    },
    Damage("a compacted file of expired objects removed", .rawTables) { pipeline in
        let file = try await pipeline.expire()
        try Files.remove(file.location)
        return file.key
    },
    Damage("the record of what has expired removed", .backup) { pipeline in
        let key = ExpirationRecord(of: try await pipeline.expire()).key
        try Files.remove(pipeline.backup.location(of: key))
        return key
    },
    Damage("an expiration forgotten", .objects) { pipeline in
        let file = try await pipeline.expire()
        try await pipeline.edit("DELETE FROM lake.pregao.expirations;")
        return file.inputs[0]
    },
    Damage("an expiration of no compacted file", .ranges) { pipeline in
        _ = try await pipeline.expire()
        try await pipeline.edit("INSERT INTO lake.pregao.expirations VALUES ('compacted/other', now(), NULL, 1);")
        return "compacted/other"
    },
    Damage("an object lost that has not expired", .objects) { pipeline in
        let file = try await pipeline.expire()
        // The gaps have not been compacted.
        let other = try await pipeline.catalog.objects(limit: 100).map(\.announcement).first { $0.dataset == "gaps" }
        guard let other, !file.inputs.contains(other.key) else { throw SmallPipeline.Unexpected("no other object") }
        try Files.remove(pipeline.raw.location(of: other.key))
        return other.key
    },
]

extension SmallPipeline {
    /// Has the quotes' objects expire and removes them.
    func expire() async throws -> CompactedFile {
        let file = try await compact()
        let retention = RawRetention(
            catalog: catalog, engine: engine, raw: raw, backup: backup,
            settings: RetentionSettings(age: .zero, grace: .zero))
        for step in [RawRetention.Step.expire, .remove] {
            for due in try await retention.due() {
                let report = await retention.apply(due)
                guard due.step == step, report.outcome == .done else { throw Unexpected("\(report)") }
            }
        }
        for key in file.inputs where try await raw.size(of: key) != nil { throw Unexpected("\(key) is left") }
        return file
    }
}
