import Foundation
import Lake
import ObjectStoreTesting
import Testing

/// A kind of object store that the contract suite runs against.
struct ObjectStoreFactory: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// Runs `body` on an empty store, then removes what it made.
    let withStore: @Sendable (_ body: @Sendable (any ObjectStore) async throws -> Void) async throws -> Void

    static let all: [ObjectStoreFactory] = [local, s3, prefixedS3]

    static let local = ObjectStoreFactory(testDescription: "a local folder") { body in
        let root = FileManager.default.temporaryDirectory.appending(path: "pregao-store-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        try await body(LocalObjectStore(root: root.path))
    }

    static let s3 = ObjectStoreFactory(testDescription: "a bucket of S3") { body in
        try await body(RemoteObjectStore(S3Server.shared().bucket().settings()))
    }

    static let prefixedS3 = ObjectStoreFactory(testDescription: "a prefix of a bucket of S3") { body in
        let bucket = try await S3Server.shared().bucket()
        // What stands beside the prefix is no object of the store's.
        try await RemoteObjectStore(bucket.settings(prefix: "lake-of-others")).put([9], at: "raw/a")
        try await body(RemoteObjectStore(bucket.settings(prefix: "lake")))
    }
}
