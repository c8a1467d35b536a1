import EventLog
import Foundation
import Lake
import Runtime
import Testing

@testable import Flusher

/// What a flusher says of partitions that are held back, from the refusal until nothing is held any more.
@Suite("Flusher: readiness")
struct ReadinessTests {
    private let readiness = Readiness()

    /// Owns two partitions, with an object of each.
    private func flusher() -> SteppedFlusher {
        let parts = FlusherParts(
            settings: FlusherSettings(instance: "a"), datasets: [],
            store: LocalObjectStore(root: FileManager.default.temporaryDirectory.path), clock: SystemWallClock(),
            logger: Logger(component: "test", sink: { _ in }), figures: FlusherFigures(metrics: Metrics()),
            readiness: readiness, sleeper: { _, _ in })
        var flusher = SteppedFlusher(BatchTrigger(interval: .seconds(1)), parts: parts)
        flusher.own(.first, .second)
        for partition in [TopicPartition.first, .second] {
            flusher.tell(.records(.of(partition, from: 0, count: 1)))
        }
        flusher.pass(.seconds(1))
        flusher.work { $0.isEncoding }
        return flusher
    }

    private var heldPartitions: [String] {
        readiness.reasons.compactMap { $0.firstMatch(of: #/flusher: (t/\d) /#).map { String($0.1) } }
    }

    /// Has every commit refused, and waits for the next.
    private func refuse(_ flusher: inout SteppedFlusher, _ kind: LogError.Kind = .busy) {
        flusher.work { !$0.isCommit }
        flusher.refuseCommit(kind)
    }

    @Test("A commit that is refused holds back each of its partitions, until it is taken")
    func refused() {
        var flusher = flusher()
        refuse(&flusher)
        #expect(heldPartitions == ["t/0", "t/1"])
        flusher.endWaits()
        flusher.work()
        #expect(readiness.isReady)
    }

    /// How partitions go away while their commit is held back or under way.
    enum Going: String, CaseIterable, Sendable { case lost, revoked, lostUnderWay }

    @Test("What was said of a partition goes with it, and the others' is still said", arguments: Going.allCases)
    func goes(_ going: Going) {
        var flusher = flusher()
        refuse(&flusher)
        switch going {
        case .lost: flusher.tell(.lost([.first]))
        case .revoked: flusher.tell(.revoking([.first]))
        case .lostUnderWay:
            flusher.endWaits()
            flusher.tell(.lost([.first]))
            flusher.refuseCommit(.busy)
        }
        #expect(heldPartitions == ["t/1"])
        flusher.tell(.lost([.second]))
        #expect(readiness.isReady)
    }

    @Test("A partition whose message is too large stays held while the others' commits are taken")
    func tooLarge() {
        var flusher = flusher()
        refuse(&flusher, .messageTooLarge)
        flusher.refuseCommit(.messageTooLarge)
        #expect(heldPartitions == ["t/0"])
        flusher.work()
        #expect(flusher.committed == ["t/1 [0,1)"])
        #expect(heldPartitions == ["t/0"])
        flusher.endWaits()
        flusher.work()
        #expect(readiness.isReady)
    }

    @Test("An object that the store refuses stays named while the store takes another of the same partition")
    func oneObjectOfTwo() {
        var flusher = flusher()
        flusher.refusePuts()
        #expect(heldPartitions == ["t/0", "t/1"])
        flusher.tell(.records(.of(.first, from: 1, count: 1)))
        flusher.work { $0.isEncoding }
        flusher.pass(.seconds(1))
        flusher.work()
        #expect(heldPartitions == ["t/0", "t/1"])
        flusher.endWaits()
        flusher.work()
        #expect(readiness.isReady)
    }

    @Test("What the store refuses of a partition is not held once the partition is gone")
    func refusedAndGone() {
        var flusher = flusher()
        flusher.refusePuts()
        flusher.tell(.revoking([.first]))
        flusher.tell(.lost([.second]))
        #expect(readiness.isReady)
    }
}
