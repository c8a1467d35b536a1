import Runtime
import Testing

@Suite("Shutdown")
struct ShutdownTests {
    @Test("whoever waits is woken when it is requested, and whoever comes later does not wait", .timeLimit(.minutes(1)))
    func wakes() async {
        let shutdown = Shutdown()
        async let waiting: Void = shutdown.requested()
        shutdown.request()
        await waiting
        await shutdown.requested()
        #expect(shutdown.isRequested)
    }

    @Test("a cancelled task does not wait", .timeLimit(.minutes(1)))
    func cancelled() async {
        let shutdown = Shutdown()
        let task = Task { await shutdown.requested() }
        task.cancel()
        await task.value
        #expect(!shutdown.isRequested)
    }
}
