import Foundation

/// Runs calls that block, such as fsync, on threads of their own, so that Swift's cooperative pool never waits on a disk.
struct BlockingWork: Sendable {
    private let queue: OperationQueue

    /// - Parameter width: how many calls may be under way at the same time; the others wait, without a thread.
    init(label: String, width: Int = 64) {
        queue = OperationQueue()
        queue.name = label
        queue.maxConcurrentOperationCount = width
    }

    func run<Value: Sendable>(_ work: @escaping @Sendable () throws(StoreError) -> Value) async throws(StoreError)
        -> Value
    {
        let result: Result<Value, StoreError> = await withCheckedContinuation { continuation in
            queue.addOperation {
                do throws(StoreError) {
                    continuation.resume(returning: .success(try work()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }
}
