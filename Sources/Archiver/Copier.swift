import Lake
import Runtime

/// Brings one announced object into the backup store, its announcement beside it, and proves that it arrived.
struct Copier: Sendable {
    let raw: any ObjectStore
    let backup: any ObjectStore

    enum Outcome: Sendable {
        case copied
        case refused(Refusal)
        /// It may succeed later.
        case held(reason: String)
    }

    /// The key under which an object's announcement lies in backup.
    static func announcementKey(of key: String) -> String { key + announcementSuffix }

    static let announcementSuffix = ".json"

    /// Every step may be repeated: stores write a key once, and equal bytes succeed.
    func copy(_ announcement: Announcement, message: [UInt8]) async -> Outcome {
        let bytes: [UInt8]
        do throws(StoreError) {
            guard let found = try await announcedBytes(of: announcement) else {
                return .refused(
                    Refusal(.contentDiffers, "three reads of \(announcement.key) gave other bytes than announced"))
            }
            bytes = found
        } catch {
            switch error.kind {
            case .absent: return .refused(Refusal(.absent, "\(error)"))
            case .forbiddenKey: return .refused(Refusal(.misnamed, "\(error)"))
            case .differs, .unavailable, .misconfigured: return .held(reason: "\(error)")
            }
        }
        // Whatever the backup store says tells nothing of the object.
        do throws(StoreError) {
            try await backup.put(bytes, at: announcement.key)
            guard announcement.describes(try await backup.read(announcement.key)) else {
                return .held(reason: "back up \(announcement.key): what arrived is not what was sent")
            }
            Waypoint.archiverCopied.reached()
            try await keep(message, of: announcement)
            Waypoint.archiverWroteAnnouncement.reached()
            return .copied
        } catch {
            return .held(reason: "\(error)")
        }
    }

    private func announcedBytes(of announcement: Announcement) async throws(StoreError) -> [UInt8]? {
        for _ in 1...3 {
            let bytes = try await raw.read(announcement.key)
            if announcement.describes(bytes) { return bytes }
        }
        return nil
    }

    /// An object announced twice, at different times, keeps the first announcement.
    private func keep(_ message: [UInt8], of announcement: Announcement) async throws(StoreError) {
        let key = Self.announcementKey(of: announcement.key)
        do throws(StoreError) {
            try await backup.put(message, at: key)
        } catch  where error.kind == .differs {
            let kept = try await backup.read(key)
            guard case .announcement(let first) = Arrival.Content(kept), first.key == announcement.key else {
                throw error
            }
        }
    }
}

extension Announcement {
    func describes(_ bytes: [UInt8]) -> Bool {
        Int64(bytes.count) == size && SHA256.hexadecimal(of: bytes) == sha256
    }
}
