import Foundation

/// Where a catalog's metadata is kept, and all that differs by it: how the engine attaches it, how writers take turns,
/// and how one catalog takes another's place.
protocol Metadata: Sendable {
    /// What errors call it.
    var name: String { get }
    /// Where DuckLake puts what it writes itself.
    var data: String { get }
    /// Where an engine that has attached the catalog sees DuckLake's own tables.
    var tables: String { get }
    /// A catalog that is being made beside the one that it is to replace.
    var replacement: any Metadata { get }

    /// The statements that attach the catalog as `lake`.
    func attachment(for access: MetadataAccess, engine: DuckDB, patience: Patience) -> String

    /// Looks, before an engine is started on it, whether there is a catalog; where only the engine can tell, it does as
    /// it attaches.
    func check() throws(CatalogError)

    func exists(engine: DuckDB, patience: Patience) async throws(CatalogError) -> Bool

    /// Takes the turn of the one writer, for as long as the result lives.
    func takeTurn(_ doing: String, engine: DuckDB, patience: Patience) async throws(CatalogError) -> any Turn

    /// Takes the turn of a transaction, unless its own engine does in ``beginning(patience:)``.
    func takeTurnOfTransaction(_ doing: String, engine: DuckDB, patience: Patience) async throws(CatalogError)
        -> (any Turn)?

    /// The statements that begin a transaction of the attached catalog, in which nobody else writes.
    func beginning(engine: DuckDB, patience: Patience) -> String

    /// What a transaction may take, the wait for the turn included where its engine waits.
    func limit(of patience: Patience) -> Duration

    /// Refuses a place that holds something of somebody else's, which ``replace(by:holding:)`` would put aside.
    func checkPlace(engine: DuckDB, patience: Patience) async throws(CatalogError)

    /// Removes the catalog, whole or half made; nothing where the turn is no longer ours.
    func remove(engine: DuckDB, patience: Patience, holding turn: any Turn) async throws(CatalogError)

    /// Puts the replacement in this catalog's place, in one step; what was there is kept under another name.
    ///
    /// The caller has the turn, and nothing writes to the replacement any more.
    func replace(by replacement: any Metadata, holding turn: any Turn) async throws(CatalogError)
}

enum MetadataAccess: Hashable, Sendable {
    /// - Parameter snapshot: nil is the newest.
    case read(snapshot: Int64?)
    case write
    /// As to write, and where there is no catalog one is made.
    case create
}

/// The right to write to a catalog, until it is let go of.
protocol Turn: AnyObject, Sendable {
    /// What the engine's process is to hold open, so that the turn ends with it.
    var descriptor: Int32? { get }

    /// Makes sure that the turn is still ours, and tells that its work goes on: to be called before each step that
    /// cannot be undone, and between those that take long. Blocks its caller.
    ///
    /// - Throws: ``CatalogError/Kind/busy`` where the turn was lost.
    func confirm() throws(CatalogError)
}

extension Turn {
    /// As ``confirm()``, on a thread of its own.
    func confirmed() async throws(CatalogError) {
        // A thread that let go of it last would end the turn later than whoever took it.
        defer { withExtendedLifetime(self) {} }
        try await onThread { [unowned self] _ throws(CatalogError) in try confirm() }
    }
}

extension Metadata {
    static var whatToDo: String { "make it again with `pregao catalog rebuild`" }

    func makeFolders() throws(CatalogError) {
        do {
            try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
        } catch {
            throw CatalogError(.unavailable, doing: "make the catalog's folder \(data)", cause: "\(error)")
        }
    }

    var absence: CatalogError {
        CatalogError(.unavailable, doing: "open the catalog \(name)", cause: "there is none; `pregao run` makes one")
    }
}

extension Patience {
    /// Waits after the `count`-th fruitless try.
    ///
    /// - Parameter chance: from 0 to 1; writers that failed together do not try again together.
    func wait(after count: Int, _ doing: String, chance: Double = .random(in: 0...1)) async throws(CatalogError) {
        do {
            try await Task.sleep(for: pause(after: count, chance: chance))
        } catch {
            throw CatalogError(.busy, doing: doing, cause: "cancelled while waiting")
        }
    }
}
