import EventLog
import Lake
import Testing

@testable import Flusher

/// A topic that was deleted and made anew in the same epoch of the log.
@Suite("Flusher: a topic made anew", .timeLimit(.minutes(1)))
struct MadeAnewTests {
    struct Anew: Sendable, CustomTestStringConvertible {
        /// Messages in the topic that was made anew; the one before it had ten.
        let messages: Int
        let fault: @Sendable () -> any Fault

        var testDescription: String { "\(messages) messages, \(fault())" }
    }

    @Test(
        "A topic made anew in the same epoch is refused with what to do, be it shorter or longer than it was, and also where the store refuses at first",
        arguments: [
            Anew(messages: 4) { NoFault() }, Anew(messages: 25) { NoFault() },
            Anew(messages: 25) { Refusal(Moment(call: .put, side: .before), times: 5) },
        ])
    func madeAnew(anew: Anew) async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.appendPrices(0..<10)
            try await landing.liveUntilAllIsCommitted(Landing.Life(epoch: "epoch001"))
            try await landing.makeLogAnew(partitions: 1)
            try await landing.appendPrices(0..<anew.messages)

            let failure = try await landing.liveUntilAllIsCommitted(
                Landing.Life(epoch: "epoch001", fault: anew.fault()))
            let error = try #require(failure as? LogError)
            #expect(error.kind == .corrupt)
            #expect(error.description.contains("log.epoch") && error.description.contains("pregao.prices/0"))
            #expect(try await landing.announcements().isEmpty)
            #expect(try await landing.committed().isEmpty)

            #expect(try await landing.liveUntilAllIsCommitted(Landing.Life(epoch: "epoch002")) == nil)
            try await landing.expectEverythingLandedOnce()
        }
    }

    @Test("A flusher that died before its first commit begins again, and is not taken for another topic's")
    func diedBeforeFirstCommit() async throws {
        try await Landing.with(partitions: 1) { landing in
            try await landing.appendPrices(0..<10)
            let death = Death { $0 == Moment(call: .commit, side: .before) }
            #expect(try await landing.liveUntilAllIsCommitted(Landing.Life(fault: death)) != nil)
            try await landing.appendPrices(10..<20)
            #expect(try await landing.liveUntilAllIsCommitted() == nil)
            try await landing.expectEverythingLandedOnce()
        }
    }
}
