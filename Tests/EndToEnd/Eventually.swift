import Foundation

/// Waits until a condition of other processes holds, which nobody can be notified of.
///
/// - Throws: a fault with what was awaited, where the time is over; whatever the condition throws.
func eventually(
    _ what: String, within limit: Duration = .seconds(90), every pause: Duration = .milliseconds(20),
    _ condition: () async throws -> Bool
) async throws {
    let clock = ContinuousClock()
    let end = clock.now.advanced(by: limit)
    while try await !condition() {
        guard clock.now < end else { throw HarnessFault("\(what): not within \(limit)") }
        try await Task.sleep(for: pause)
    }
}
