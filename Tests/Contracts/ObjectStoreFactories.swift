import Foundation
import Lake
import Testing

/// A kind of object store that the contract suite runs against.
struct ObjectStoreFactory: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Runs `body` on an empty store, then removes what it made.
    let withStore: @Sendable (_ body: @Sendable (any ObjectStore) async throws -> Void) async throws -> Void

    static let all: [ObjectStoreFactory] = [local]

    static let local = ObjectStoreFactory(testDescription: "a local folder") { body in
        let root = FileManager.default.temporaryDirectory.appending(path: "pregao-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        try await body(LocalObjectStore(root: root.path))
    }
}
