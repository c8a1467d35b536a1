import Lake
import Warehouse

/// Holds each object of the ledger that is not refused against what raw and backup really have. Of one that has expired
/// raw need not have anything.
struct ObjectAudit: Sendable {
    let raw: any ObjectStore
    let backup: any ObjectStore
    let scope: VerificationScope

    /// - Parameter progress: is called with the number of objects done.
    func audit(_ objects: [LedgerObject], into report: inout VerificationReport, progress: (Int) -> Void) async {
        var done = 0
        while done < objects.count {
            let end = endOfSlice(objects, from: done)
            let found = await withTaskGroup(of: [VerificationReport.Fault].self) { group in
                for object in objects[done..<end] { group.addTask { await self.faults(of: object) } }
                return await group.reduce(into: []) { $0 += $1 }
            }
            report.checked(.objects, Int64(objects[done..<end].count { !$0.isExpired }))
            report.checked(.backup, Int64(end - done))
            report.add(found.sorted { ($0.place, $0.message) < ($1.place, $1.message) })
            done = end
            progress(done)
        }
    }

    /// What is read at the same time: more objects gain nothing on a disk, and their bytes are held in memory.
    private func endOfSlice(_ objects: [LedgerObject], from start: Int) -> Int {
        var bytes: Int64 = 0
        var end = start
        while end < objects.count, end - start < 4 {
            bytes = bytes.addingClamped(objects[end].announcement.size)
            if end > start, bytes > 64 << 20 { break }
            end += 1
        }
        return end
    }

    private func faults(of object: LedgerObject) async -> [VerificationReport.Fault] {
        let key = object.announcement.key
        var faults: [VerificationReport.Fault] = []
        if !object.isExpired, let damage = await damage(of: object, in: raw) {
            faults.append(VerificationReport.Fault(.objects, key, damage.words(mendedBy: "pregao restore")))
        }
        if object.status == .registered, object.location != raw.location(of: key) {
            faults.append(
                VerificationReport.Fault(
                    .objects, key, "the catalog reads \(object.location), the store has \(raw.location(of: key))"))
        }
        if let damage = await damage(of: object, in: backup) {
            faults.append(VerificationReport.Fault(.backup, key, damage.words(mendedBy: "pregao restore --backup")))
        }
        if let message = await announcementFault(of: object) {
            faults.append(VerificationReport.Fault(.backup, key + ".json", message))
        }
        return faults
    }

    private enum Damage {
        case lost(String)
        /// Seen only by reading it.
        case altered
        case unreadable(StoreError)

        func words(mendedBy command: String) -> String {
            switch self {
            case .lost(let words): "\(words); see '\(command)'"
            case .altered: "the content is not what was announced; see '\(command) --full'"
            case .unreadable(let error): "\(error)"
            }
        }
    }

    private func damage(of object: LedgerObject, in store: any ObjectStore) async -> Damage? {
        do throws(StoreError) {
            guard let size = try await store.size(of: object.announcement.key) else {
                return .lost("the object is missing")
            }
            guard size == object.announcement.size else {
                return .lost("\(size) bytes, where \(object.announcement.size) were announced")
            }
            guard scope.full else { return nil }
            let bytes = try await store.read(object.announcement.key)
            return SHA256.hexadecimal(of: bytes) == object.announcement.sha256 ? nil : .altered
        } catch {
            return .unreadable(error)
        }
    }

    /// The announcement beside the backup says what the ledger says: a ledger row that was edited does not.
    private func announcementFault(of object: LedgerObject) async -> String? {
        do throws(StoreError) {
            guard try await backup.size(of: object.announcement.key + ".json") != nil else {
                return "the announcement is missing; see 'pregao restore --backup'"
            }
            let bytes = try await backup.read(object.announcement.key + ".json")
            guard let announcement = try? Announcement.parse(bytes).first else {
                return "the announcement cannot be read; see 'pregao restore --backup'"
            }
            let ledger = object.announcement
            guard announcement.key == ledger.key else {
                return "the announcement is that of \(announcement.key); see 'pregao restore --backup'"
            }
            let agrees =
                announcement.dataset == ledger.dataset
                && announcement.schemaVersion == ledger.schemaVersion && announcement.epoch == ledger.epoch
                && announcement.topic == ledger.topic && announcement.partition == ledger.partition
                && announcement.start == ledger.start && announcement.end == ledger.end
                && announcement.rows == ledger.rows && announcement.rejected == ledger.rejected
                && announcement.size == ledger.size && announcement.sha256 == ledger.sha256
                && announcement.emptyReason == ledger.emptyReason && announcement.days == ledger.days
            return agrees ? nil : "the announcement and the ledger do not say the same"
        } catch {
            return "\(error)"
        }
    }
}
