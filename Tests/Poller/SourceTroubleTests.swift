import Feeds
import MarketData
import Testing

@testable import Poller

@Suite("A source without quotes")
struct SourceTroubleTests {
    private static let fault = AnswerFault(.httpStatus, "the status is 500")

    /// What is said when a source is looked at every half second: seconds of the clock, and whether it is over.
    private static func said(missing: ClosedRange<Int64>, until end: Int64) -> [String] {
        var trouble = SourceTrouble()
        var said: [String] = []
        for step in 0...(end * 2) {
            let time = step * 500_000
            if missing.contains(step / 2) {
                trouble.missed(fault, url: "http://source/", at: time)
            } else {
                trouble.quoted()
            }
            switch trouble.news(at: time) {
            case .trouble(let seconds, let last, let url):
                #expect(last == fault && url == "http://source/")
                said.append("\(step / 2): none for \(seconds)")
            case .over: said.append("\(step / 2): over")
            case nil: break
            }
        }
        return said
    }

    @Test("is told of after five seconds, each minute, and when it is over")
    func lasting() {
        #expect(
            Self.said(missing: 10...100, until: 110) == ["15: none for 5", "75: none for 65", "101: over"])
    }

    @Test("is not told of where it was short")
    func short() { #expect(Self.said(missing: 10...14, until: 30).isEmpty) }
}
