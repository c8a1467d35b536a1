import Lake
import ObjectStoreTesting
import Runtime
import Testing

@testable import Operations

@Suite("A store that is away when a process starts", .timeLimit(.minutes(1)))
struct StoreWatchTests {
    private let readiness = Readiness()

    /// A watch of a store that answers so, until its `mendedBefore`th look.
    private func watch(_ bucket: Bucket, _ fault: S3Fault, mendedBefore count: Int, pauses: Pauses) async throws
        -> StoreWatch
    {
        let store = RemoteObjectStore(try bucket.settings())
        try await bucket.spoil([fault])
        let error = try #require(await #expect(throws: StoreError.self) { try await store.check() })
        return StoreWatch(
            setting: "storage.raw", store: store, error: error, readiness: readiness,
            logger: Logger(component: "test", sink: { _ in }),
            sleeper: { [readiness] pause, _ in
                await pauses.note(pause, readiness.reasons)
                guard await pauses.all.count == count else { return }
                do { try await bucket.spoil([]) } catch { Issue.record(error) }
            })
    }

    @Test(
        "It is not ready, and says which setting's store it waits for, until the store answers",
        arguments: [S3Fault.status(503, "SlowDown"), .status(403, "AccessDenied"), .cutRequest(after: 0)])
    func waits(fault: S3Fault) async throws {
        let bucket = try await S3Server.shared().bucket()
        let pauses = Pauses()
        let watch = try await watch(bucket, fault, mendedBefore: 3, pauses: pauses)
        #expect(readiness.reasons.count == 1)
        await watch.run(until: Shutdown())
        #expect(readiness.isReady)
        #expect(await pauses.all == [.seconds(1), .seconds(2), .seconds(4)])
        for reasons in await pauses.reasons {
            #expect(reasons.count == 1)
            #expect(reasons.allSatisfy { $0.contains("storage.raw") && $0.contains("s3://\(bucket.name)") })
        }
    }

    @Test("A shutdown ends the wait")
    func shutdown() async throws {
        let bucket = try await S3Server.shared().bucket()
        let watch = try await watch(bucket, .status(503, "SlowDown"), mendedBefore: 0, pauses: Pauses())
        let shutdown = Shutdown()
        shutdown.request()
        await watch.run(until: shutdown)
        #expect(!readiness.isReady)
    }
}

/// The pauses that were asked for, and what was said in each.
private actor Pauses {
    private(set) var all: [Duration] = []
    private(set) var reasons: [[String]] = []

    func note(_ pause: Duration, _ reasons: [String]) {
        all.append(pause)
        self.reasons.append(reasons)
    }
}
