import Foundation
import Lake

/// Copies of backups in a folder of this machine, so that the engine, which does not know the backup store, can read
/// what raw no longer has.
struct BackupCopies: Sendable {
    let backup: any ObjectStore

    /// - Parameter body: gets the copies' paths by key; one that backup lacks, or that could not be copied, has none. They
    ///   are gone afterwards.
    func with<Result: Sendable>(_ keys: [String], _ body: ([String: String]) async throws -> Result) async throws
        -> Result
    {
        guard !keys.isEmpty else { return try await body([:]) }
        let folder = FileManager.default.temporaryDirectory.appending(path: "pregao-verify-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var paths: [String: String] = [:]
        for (number, key) in keys.enumerated() {
            // What is missing or cannot be read is the object audit's to tell.
            guard let bytes = try? await backup.read(key) else { continue }
            let file = folder.appending(path: "\(number).parquet")
            try Data(bytes).write(to: file)
            paths[key] = file.path
        }
        return try await body(paths)
    }
}
