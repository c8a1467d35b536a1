import Lake
import Warehouse

/// Holds each object of the ledger against what raw and backup really have.
struct ObjectAudit: Sendable {
    let raw: any ObjectStore
    let backup: any ObjectStore
    let scope: VerificationScope

    /// - Parameter progress: is called with the number of objects done.
    func audit(_ objects: [LedgerObject], into report: inout VerificationReport, progress: (Int) -> Void) async {
        // What can be read while another object's hash is being computed; more gains nothing on a disk.
        let width = 4
        for start in stride(from: 0, to: objects.count, by: width) {
            let slice = objects[start..<min(start + width, objects.count)]
            let found = await withTaskGroup(of: [VerificationReport.Fault].self) { group in
                for object in slice { group.addTask { await self.faults(of: object) } }
                return await group.reduce(into: []) { $0 += $1 }
            }
            report.checked(.objects, Int64(slice.count))
            report.checked(.backup, Int64(slice.count))
            report.add(found)
            progress(start + slice.count)
        }
    }

    private func faults(of object: LedgerObject) async -> [VerificationReport.Fault] {
        guard object.status != .refused else { return [] }
        var faults: [VerificationReport.Fault] = []
        if let message = await fault(of: object, in: raw, readsRows: true) {
            faults.append(VerificationReport.Fault(.objects, object.announcement.key, message))
        }
        if let message = await fault(of: object, in: backup, readsRows: false) {
            faults.append(VerificationReport.Fault(.backup, object.announcement.key, message))
        }
        if let message = await announcementFault(of: object) {
            faults.append(VerificationReport.Fault(.backup, object.announcement.key + ".json", message))
        }
        return faults
    }

    private func fault(of object: LedgerObject, in store: any ObjectStore, readsRows: Bool) async -> String? {
        do throws(StoreError) {
            guard let size = try await store.size(of: object.announcement.key) else { return "the object is missing" }
            guard size == object.announcement.size else {
                return "\(size) bytes, where \(object.announcement.size) were announced"
            }
            guard scope.full || readsRows else { return nil }
            let bytes = try await store.read(object.announcement.key)
            if scope.full, SHA256.hexadecimal(of: bytes) != object.announcement.sha256 {
                return "the content is not what was announced"
            }
            return readsRows ? rowsFault(of: object, bytes) : nil
        } catch {
            return "\(error)"
        }
    }

    private func rowsFault(of object: LedgerObject, _ bytes: [UInt8]) -> String? {
        do {
            let inspection = try ParquetInspection(bytes)
            return inspection.rows == object.announcement.rows
                ? nil : "\(inspection.rows) rows in the file, where \(object.announcement.rows) were announced"
        } catch {
            return "the file cannot be read: \(error)"
        }
    }

    /// The announcement beside the backup says what the ledger says: a ledger row that was edited does not.
    private func announcementFault(of object: LedgerObject) async -> String? {
        do throws(StoreError) {
            guard try await backup.size(of: object.announcement.key + ".json") != nil else {
                return "the announcement is missing"
            }
            let bytes = try await backup.read(object.announcement.key + ".json")
            guard let announcement = try? Announcement.parse(bytes).first else {
                return "the announcement cannot be read"
            }
            let ledger = object.announcement
            // The reason of an empty object and its time are words about it; everything that identifies it is compared.
            let agrees =
                announcement.key == ledger.key && announcement.dataset == ledger.dataset
                && announcement.schemaVersion == ledger.schemaVersion && announcement.epoch == ledger.epoch
                && announcement.topic == ledger.topic && announcement.partition == ledger.partition
                && announcement.start == ledger.start && announcement.end == ledger.end
                && announcement.rows == ledger.rows && announcement.rejected == ledger.rejected
                && announcement.size == ledger.size && announcement.sha256 == ledger.sha256
                && announcement.days == ledger.days
            return agrees ? nil : "the announcement and the ledger do not say the same"
        } catch {
            return "\(error)"
        }
    }
}
