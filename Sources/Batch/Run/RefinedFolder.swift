import Dispatch
import Foundation
import Lake
import MarketData
import Runtime

/// A Parquet file of a refined day, durable under its last name.
public struct RefinedFile: Hashable, Sendable {
    /// Its path below the data folder: `refined/<schema>.<table>/trading_day=<day>/…`.
    public let key: String
    /// How the engine names it: an absolute path or a URI.
    public let location: String
    public let size: Int64
    /// 64 lower-case hexadecimal digits.
    public let sha256: String
}

/// The name of a refined day's file: `<version>-<definition>-<digest>.parquet`, the day's version padded to 8 digits,
/// the model's ``Model/definition`` and the first 16 digits of the content's sha256.
///
/// Equal bytes have equal names, so that a computation repeated after a crash lands on itself.
public struct RefinedFileName: Hashable, Sendable {
    public let table: String
    public let day: Day
    public let version: Int64
    public let definition: String
    public let digest: String

    public init(model: Model, day: Day, version: Int64, sha256: String) {
        table = model.name
        self.day = day
        self.version = version
        definition = model.definition
        digest = String(sha256.prefix(16))
    }

    /// Reads what ``key`` writes.
    public init?(key: String) {
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "refined", TableName(String(parts[1])) != nil,
            parts[2].hasPrefix("trading_day="), let day = Day(String(parts[2].dropFirst(12))),
            parts[3].hasSuffix(".parquet")
        else { return nil }
        let name = parts[3].dropLast(8).split(separator: "-", omittingEmptySubsequences: false)
        guard name.count == 3, name[0].count >= 8, let version = Int64(name[0]), name[1].count == 16,
            name[2].count == 16
        else { return nil }
        table = String(parts[1])
        self.day = day
        self.version = version
        definition = String(name[1])
        digest = String(name[2])
    }

    public var key: String {
        let number = String(version)
        let padded = String(repeating: "0", count: max(0, 8 - number.count)) + number
        return "refined/\(table)/trading_day=\(day)/\(padded)-\(definition)-\(digest).parquet"
    }

    /// The definition in a file's path; nil where the path is not such a file's.
    public static func definition(inPath path: String) -> String? {
        guard let name = path.split(separator: "/").last, name.hasSuffix(".parquet") else { return nil }
        let parts = name.dropLast(8).split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[1].count == 16, parts[2].count == 16 else { return nil }
        return String(parts[1])
    }
}

extension Model {
    /// 16 hexadecimal digits that change with what the query computes: its text, its columns, sources, grain, reach
    /// and window.
    public var definition: String {
        let text =
            [query, columns.map { "\($0.name) \($0.type.sql)" }.joined(separator: ","), grain.joined(separator: ",")]
            + sources.map(\.description) + ["\(reachDays)", window.map { "\($0)" } ?? ""]
        return String(SHA256.hexadecimal(of: Array(text.joined(separator: "\u{0}").utf8)).prefix(16))
    }
}

/// The folder that holds the refined tables' files.
struct RefinedFolder: Sendable {
    let root: String
    private let queue = DispatchQueue(label: "pregao.batch.files", attributes: .concurrent)

    /// Where files go in place of this folder.
    private let store: (any ObjectStore)?

    init(root: String, store: (any ObjectStore)? = nil) {
        self.root = URL(fileURLWithPath: root).standardizedFileURL.path
        self.store = store
    }

    /// Where files lie while they are computed.
    static let unnamed = "refined/.computing/"

    private var temporary: String { "\(root)/\(Self.unnamed.dropLast())" }

    /// A path on the same file system that no other run uses, in this process or another.
    func newTemporary() throws(BatchError) -> String {
        let doing = "make \(temporary)"
        do { try FileManager.default.createDirectory(atPath: temporary, withIntermediateDirectories: true) } catch {
            throw BatchError(.cannotWrite, doing: doing, cause: plainWords(of: error))
        }
        return "\(temporary)/\(getpid())-\(String(UInt64.random(in: .min ... .max), radix: 36)).parquet"
    }

    func discard(_ temporary: String) { unlink(temporary) }

    /// Removes what crashes left: computed files older than `age` that were never given a name.
    func removeLeftovers(now: Instant, age: Duration = .seconds(86_400)) {
        let newest = now.adding(microseconds: -age.components.seconds * 1_000_000).microseconds / 1_000_000
        for name in (try? FileManager.default.contentsOfDirectory(atPath: temporary)) ?? [] {
            var information = stat()
            let path = "\(temporary)/\(name)"
            if lstat(path, &information) == 0, Int64(information.st_mtim.tv_sec) < newest { unlink(path) }
        }
    }

    /// Makes a computed file durable and gives it its name.
    func place(_ temporary: String, model: Model, day: Day, version: Int64) async throws(BatchError) -> RefinedFile {
        if let store { return try await put(temporary, into: store, model: model, day: day, version: version) }
        let result: Result<RefinedFile, BatchError> = await withCheckedContinuation { continuation in
            queue.async {
                do throws(BatchError) {
                    continuation.resume(
                        returning: .success(try placeNow(temporary, model: model, day: day, version: version)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// A file is computed and checked here, and then put as it is, so that nothing of a run that fails is ever seen in the
    /// store, and what is published is known to the byte.
    private func put(_ temporary: String, into store: any ObjectStore, model: Model, day: Day, version: Int64)
        async throws(BatchError) -> RefinedFile
    {
        guard let content = FileManager.default.contents(atPath: temporary) else {
            throw .system(doing: "read \(temporary)")
        }
        let bytes = Array(content)
        let sha256 = SHA256.hexadecimal(of: bytes)
        let key = RefinedFileName(model: model, day: day, version: version, sha256: sha256).key
        do throws(StoreError) { try await store.put(bytes, at: key) } catch {
            throw BatchError(.cannotWrite, doing: error.doing, cause: error.cause)
        }
        return RefinedFile(key: key, location: store.location(of: key), size: Int64(bytes.count), sha256: sha256)
    }

    private func placeNow(_ temporary: String, model: Model, day: Day, version: Int64) throws(BatchError) -> RefinedFile
    {
        let doing = "place \(temporary)"
        let (size, sha256) = try synchronizeAndDigest(temporary, doing: doing)
        let name = RefinedFileName(model: model, day: day, version: version, sha256: sha256)
        let path = "\(root)/\(name.key)"
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw BatchError(.cannotWrite, doing: "make \(folder)", cause: plainWords(of: error))
        }
        // The name says the content: a file that is already there has the same bytes.
        guard rename(temporary, path) == 0 else { throw .system(doing: "rename to \(path)") }
        // A file survives a power cut only if every folder above it does.
        var parent = folder
        while parent.count >= root.count, let slash = parent.lastIndex(of: "/") {
            try synchronizeFolder(parent)
            parent = String(parent[..<slash])
        }
        return RefinedFile(key: name.key, location: path, size: size, sha256: sha256)
    }

    private func synchronizeFolder(_ path: String) throws(BatchError) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(doing: "open \(path)") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(doing: "fsync \(path)") }
    }

    private func synchronizeAndDigest(_ path: String, doing: String) throws(BatchError) -> (Int64, String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(doing: doing) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(doing: doing) }
        var digest = SHA256()
        var size: Int64 = 0
        let block = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { block.deallocate() }
        while true {
            let count = read(descriptor, block.baseAddress, block.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(doing: doing) }
            if count == 0 { break }
            digest.update(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(block)[..<count]))
            size += Int64(count)
        }
        return (size, digest.finish())
    }
}
