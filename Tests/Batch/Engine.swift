import Batch
import Foundation
import MarketData
import Runtime
import Synchronization
import Warehouse

enum Engine {
    /// DuckDB as `make setup` puts it beside the package's sources.
    static func make(threads: Int = 1) throws -> DuckDB {
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        return DuckDB(location: try .discover(currentFolder: package.path), threads: threads)
    }
}

/// A wall clock that tests set.
final class SettableClock: WallClock {
    private let instant: Mutex<Instant>

    init(_ instant: Instant) { self.instant = Mutex(instant) }

    func now() -> Instant { instant.withLock { $0 } }

    func set(_ new: Instant) { instant.withLock { $0 = new } }
}
