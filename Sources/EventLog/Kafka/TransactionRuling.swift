/// What follows an error in a transaction, as librdkafka's documentation of transactions prescribes.
enum TransactionRuling: Hashable {
    /// The call is made again: a commit that timed out may have been done, so that it must not be repeated as another.
    case again
    /// The transaction is aborted: nothing of it has happened.
    case abort
    /// The client can do nothing any more; the cluster has aborted the transaction, or will.
    case end

    enum Step: Hashable, CaseIterable { case initialise, begin, produce, sendOffsets, commit, abort }

    init(_ fault: KafkaFault, at step: Step) {
        switch step {
        case _ where fault.isFatal: self = .end
        case .initialise, .abort: self = fault.isRetriable ? .again : .end
        case .begin: self = .end
        case .produce, .sendOffsets, .commit:
            if fault.requiresAbort {
                self = .abort
            } else {
                self = fault.isRetriable ? .again : .abort
            }
        }
    }
}
