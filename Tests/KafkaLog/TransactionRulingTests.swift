import CRdKafka
import EventLog
import Testing

@testable import KafkaLog

/// What follows an error in a transaction.
struct TransactionRulingTests {
    private func fault(isFatal: Bool = false, isRetriable: Bool = false, requiresAbort: Bool = false) -> KafkaFault {
        var fault = KafkaFault(.other, "refused")
        fault.isFatal = isFatal
        fault.isRetriable = isRetriable
        fault.requiresAbort = requiresAbort
        return fault
    }

    @Test(arguments: TransactionRuling.Step.allCases)
    func `a fatal error ends the producer at every step`(_ step: TransactionRuling.Step) {
        #expect(TransactionRuling(fault(isFatal: true, isRetriable: true, requiresAbort: true), at: step) == .end)
    }

    @Test(arguments: [TransactionRuling.Step.produce, .sendOffsets, .commit])
    func `what asks for an abort is aborted, though it might be retried too`(_ step: TransactionRuling.Step) {
        #expect(TransactionRuling(fault(isRetriable: true, requiresAbort: true), at: step) == .abort)
    }

    @Test(arguments: [TransactionRuling.Step.initialise, .sendOffsets, .commit, .abort])
    func `a call that timed out is made again, never taken for failed`(_ step: TransactionRuling.Step) {
        #expect(TransactionRuling(fault(isRetriable: true), at: step) == .again)
    }

    @Test(arguments: [TransactionRuling.Step.produce, .sendOffsets, .commit])
    func `any other error aborts, so that nothing is left open`(_ step: TransactionRuling.Step) {
        #expect(TransactionRuling(fault(), at: step) == .abort)
    }
}
