import Testing

@testable import Warehouse

@Suite("Pauses between tries")
struct PatienceTests {
    private let patience = Patience(firstPause: .milliseconds(8), longestPause: .milliseconds(100))

    @Test("double up to the longest", arguments: [(0, 8), (1, 16), (3, 64), (4, 100), (1000, 100)])
    func doubles(count: Int, milliseconds: Int) {
        #expect(patience.pause(after: count, chance: 1) == .milliseconds(milliseconds))
    }

    @Test("are shortened by chance to half at most, so that those who failed together do not try again together")
    func jitter() {
        #expect(patience.pause(after: 3, chance: 0) == .milliseconds(32))
        #expect(patience.pause(after: 3, chance: 0.5) == .milliseconds(48))
    }
}
