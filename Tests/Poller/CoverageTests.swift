import MarketData
import Testing

@testable import Poller

private func stretch(_ from: Int64, _ to: Int64) -> Range<Instant> {
    Instant(microseconds: from)..<Instant(microseconds: to)
}

struct CoverageTests {
    @Test("Stretches that touch or overlap become one")
    func merges() {
        var coverage = Coverage()
        for (from, to) in [(10, 20), (30, 40), (20, 25), (38, 50), (5, 6)] as [(Int64, Int64)] {
            coverage.insert(stretch(from, to))
        }
        #expect(coverage.stretches == [stretch(5, 6), stretch(10, 25), stretch(30, 50)])
        coverage.insert(stretch(0, 60))
        #expect(coverage.stretches == [stretch(0, 60)])
    }

    @Test("What is missing of a range is what no stretch covers")
    func missing() {
        var coverage = Coverage()
        coverage.insert(stretch(10, 20))
        coverage.insert(stretch(30, 40))
        #expect(coverage.missing(in: stretch(0, 50)) == [stretch(0, 10), stretch(20, 30), stretch(40, 50)])
        #expect(coverage.missing(in: stretch(12, 35)) == [stretch(20, 30)])
        #expect(coverage.missing(in: stretch(12, 18)).isEmpty)
    }
}
