import Foundation
import Testing

/// The catalog's turn, as another process has it.
struct CatalogTurn {
    private let descriptor: Int32

    init(folder: String) throws {
        descriptor = open("\(folder)/turn.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        try #require(descriptor >= 0)
        try #require(flock(descriptor, LOCK_EX) == 0)
    }

    func giveBack() { close(descriptor) }
}
