import PostgresTesting
import Testing

@testable import Warehouse

/// Where a test's catalog has its metadata.
enum MetadataKind: String, CaseIterable, Sendable {
    case sqlite, postgres

    @TaskLocal static var current = MetadataKind.sqlite
}

/// Runs each test of a suite with a catalog on SQLite, and again with one on PostgreSQL.
struct EachMetadata: SuiteTrait, TestTrait, TestScoping {
    let isRecursive = true

    func provideScope(for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void)
        async throws
    {
        for kind in MetadataKind.allCases {
            try await MetadataKind.$current.withValue(kind) { try await function() }
        }
    }
}

extension Trait where Self == EachMetadata {
    static var onEachMetadata: EachMetadata { EachMetadata() }
}
