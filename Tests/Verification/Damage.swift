import EventLog
import Foundation
import Lake
import MarketData
import Testing
import Warehouse

@testable import Verification

/// One way to damage a pipeline, and what is to find it.
struct Damage: Sendable, CustomTestStringConvertible {
    /// What it takes to find it.
    enum Effort: Sendable {
        case always, full, deep

        var scope: VerificationScope {
            switch self {
            case .always: VerificationScope()
            case .full: VerificationScope(full: true)
            case .deep: VerificationScope(full: true, deep: true)
            }
        }

        /// All that is less, which does not find it.
        var less: VerificationScope? {
            switch self {
            case .always: nil
            case .full: VerificationScope()
            case .deep: VerificationScope(full: true)
            }
        }
    }

    let name: String
    let effort: Effort
    let check: VerificationReport.Check
    /// Does it, and tells the place that a fault is to name.
    let inflict: @Sendable (SmallPipeline) async throws -> String

    init(
        _ name: String, _ check: VerificationReport.Check, _ effort: Effort = .always,
        inflict: @escaping @Sendable (SmallPipeline) async throws -> String
    ) {
        self.name = name
        self.check = check
        self.effort = effort
        self.inflict = inflict
    }

    var testDescription: String { name }
}

extension SmallPipeline {
    /// The quotes' objects with rows, by key: of the first partition the first range, then the second; then the other's.
    func quotes() async throws -> [LedgerObject] {
        try await catalog.objects(limit: 100).filter {
            $0.announcement.dataset == "quotes" && $0.status == .registered
        }
    }

    func firstQuotes() async throws -> LedgerObject { try await quotes()[0] }

    func published(_ model: String) async throws -> PublishedDay {
        guard let day = try await catalog.publications(of: model).first else { throw Unexpected("nothing published") }
        return day
    }

    /// `pregao.quotes~epoch/0 [start, end)`
    func place(_ object: LedgerObject) -> String {
        let it = object.announcement
        return "\(it.topic)~\(it.epoch)/\(it.partition) [\(it.start), \(it.end))"
    }

    /// Edits the object's row in a table of the ledger.
    func edit(_ object: LedgerObject, _ assignment: String, table: String = "objects") async throws {
        try await edit("UPDATE lake.pregao.\(table) SET \(assignment) WHERE key = '\(object.announcement.key)';")
    }
}

/// What happens to files.
enum Files {
    /// Flips a bit of the name of the program that wrote the file: it can still be read, all of it.
    static func flipByte(_ path: String) throws {
        var bytes = try read(path)
        guard let place = bytes.range(of: Data(" version ".utf8), options: .backwards)?.lowerBound else {
            throw SmallPipeline.Unexpected("\(path) does not say what wrote it")
        }
        bytes[place + 1] ^= 0x20
        try write(bytes, path)
    }

    static func truncate(_ path: String) throws { try write(try read(path).dropLast(), path) }

    static func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: path) }

    static func rename(_ path: String, to other: String) throws {
        try FileManager.default.moveItem(atPath: path, toPath: other)
    }

    /// Copies a file of a name that ends in a digest, as if it were another's.
    ///
    /// - Returns: the copy's key.
    static func copy(_ key: String, as digest: String, below folder: String) throws -> String {
        let other = "\(key.dropLast(digest.count + ".parquet".count))\(digest).parquet"
        try FileManager.default.copyItem(atPath: folder + key, toPath: folder + other)
        return other
    }

    static func swap(_ path: String, _ other: String) throws {
        let (first, second) = (try read(path), try read(other))
        try write(second, path)
        try write(first, other)
    }

    static func bytes(_ path: String) throws -> [UInt8] { Array(try read(path)) }

    private static func read(_ path: String) throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private static func write(_ bytes: Data, _ path: String) throws {
        // In place: the file stays what it is to whoever has its name.
        try bytes.write(to: URL(fileURLWithPath: path))
    }
}
