import Lake
import Runtime

/// Brings one announced object into the backup store, and proves that it arrived.
struct Copier: Sendable {
    let raw: any ObjectStore
    let backup: any ObjectStore

    enum Outcome: Sendable {
        case copied
        /// It will never succeed as it stands: what the design calls permanent.
        case refused(reason: String)
        /// It may succeed later.
        case held(reason: String)
    }

    /// Every step may be repeated: stores write a key once, and equal bytes succeed.
    func copy(_ announcement: Announcement, message: [UInt8]) async -> Outcome {
        do throws(StoreError) {
            guard let bytes = try await announcedBytes(of: announcement) else {
                return .refused(reason: "sha256-differs: three reads of the raw object gave other bytes than announced")
            }
            try await backup.put(bytes, at: announcement.key)
            let arrived = try await backup.read(announcement.key)
            guard Int64(arrived.count) == announcement.size, SHA256.hexadecimal(of: arrived) == announcement.sha256
            else {
                return .held(reason: "backup of \(announcement.key): what arrived is not what was sent")
            }
            Waypoint.archiverCopied.reached()
            try await backup.put(message, at: announcement.key + ".json")
            Waypoint.archiverWroteAnnouncement.reached()
            return .copied
        } catch {
            return outcome(of: error)
        }
    }

    /// The raw object's bytes; nil where three reads differ from what was announced.
    private func announcedBytes(of announcement: Announcement) async throws(StoreError) -> [UInt8]? {
        for _ in 1...3 {
            let bytes = try await raw.read(announcement.key)
            if Int64(bytes.count) == announcement.size, SHA256.hexadecimal(of: bytes) == announcement.sha256 {
                return bytes
            }
        }
        return nil
    }

    private func outcome(of error: StoreError) -> Outcome {
        switch error.kind {
        case .absent: .refused(reason: "absent: \(error)")
        case .forbiddenKey: .refused(reason: "forbidden-key: \(error)")
        case .differs: .refused(reason: "backup-differs: \(error)")
        case .unavailable: .held(reason: "\(error)")
        }
    }
}
