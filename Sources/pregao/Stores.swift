import Configuration
import Foundation
import Lake
import Operations
import Runtime
import Terminal

/// The stores that the settings name.
struct Stores: Sendable {
    let raw: any ObjectStore
    let backup: any ObjectStore
    /// The refined tables' files, by keys that begin with `refined/`.
    let refined: any ObjectStore
    /// Where refined files are computed, and stay where `refined` is of this machine.
    let refinedFolder: String

    init(_ configuration: Configuration, logger: Logger) {
        func store(_ name: Configuration.StoreName, _ folder: String, _ bucket: String) -> any ObjectStore {
            if let remote = configuration.remote(name) {
                return RemoteObjectStore(remote) { logger.warning($0, ["setting": "storage.\(name.rawValue)"]) }
            }
            return LocalObjectStore(root: configuration.storage[name].address?.bucket ?? folder, bucket: bucket)
        }
        raw = store(.raw, configuration.rawRoot, "pregao-lake")
        backup = store(.backup, configuration.backupRoot, "pregao-backup")
        refined = store(.refined, configuration.data, "pregao-refined")
        refinedFolder = (refined as? LocalObjectStore)?.root ?? configuration.data
    }

    private func remote(_ name: Configuration.StoreName) -> RemoteObjectStore? {
        let store: any ObjectStore =
            switch name {
            case .raw: raw
            case .backup: backup
            case .refined: refined
            }
        return store as? RemoteObjectStore
    }

    /// Those of other machines that the engine reads.
    var readByEngine: [RemoteObjectStore] { [Configuration.StoreName.raw, .refined].compactMap { remote($0) } }

    /// Where refined files go in place of their folder.
    var remoteRefined: (any ObjectStore)? { remote(.refined) }

    /// A refined file's bytes by its location; nil where there is none.
    func readRefined(_ location: String) async throws(StoreError) -> [UInt8]? {
        guard let store = remote(.refined), location.hasPrefix(store.location(of: "")) else {
            return FileManager.default.contents(atPath: location).map { Array($0) }
        }
        do throws(StoreError) {
            return try await store.read(String(location.dropFirst(store.location(of: "").count)))
        } catch  where error.kind == .absent {
            return nil
        }
    }

    /// Whether anything was ever archived; a backup folder that was never made holds nothing.
    func hasBackup() async throws(StoreError) -> Bool {
        do throws(StoreError) {
            return try await !backup.list(prefix: "raw/", after: nil, limit: 1).isEmpty
        } catch {
            guard remote(.backup) == nil else { throw error }
            return false
        }
    }

    /// Asks the stores that a stage is to work with whether they are there and take the credentials, before it starts. One
    /// that does not answer may do so later.
    ///
    /// - Returns: those that are to be waited for.
    func check(for stages: Set<String>, readiness: Readiness, logger: Logger) async throws -> [StoreWatch] {
        var awaited: [StoreWatch] = []
        let needed: [(Configuration.StoreName, Set<String>)] = [
            (.raw, ["flusher", "archiver", "batch"]), (.backup, ["archiver"]), (.refined, ["batch"]),
        ]
        for (name, users) in needed where !users.isDisjoint(with: stages) {
            guard let store = remote(name) else { continue }
            do throws(StoreError) { try await store.check() } catch {
                let setting = "storage.\(name.rawValue)"
                guard error.kind == .misconfigured else {
                    awaited.append(
                        StoreWatch(
                            setting: setting, store: store, error: error, readiness: readiness, logger: logger))
                    continue
                }
                throw CommandError(
                    "\(setting).url: \(error)",
                    next:
                        "Mend \(setting).url, .access-key and .secret-key, or what stands in for them in the environment;"
                        + " docs/object-stores.md lists the rights.",
                    exitCode: .configuration)
            }
        }
        return awaited
    }
}
