import Runtime
import Testing

@Suite("Readiness")
struct ReadinessTests {
    @Test("A process is ready while nothing hinders it")
    func ready() {
        let readiness = Readiness()
        #expect(readiness.isReady && readiness.reasons.isEmpty)
        readiness.hold("a", "first")
        #expect(!readiness.isReady)
        readiness.hold("a", "second")
        #expect(readiness.reasons == ["second"])
        readiness.clear("a")
        #expect(readiness.isReady)
    }

    @Test("What several parts say is told by part, and each takes back its own")
    func parts() {
        let readiness = Readiness()
        readiness.hold("b", "of b")
        readiness.report("a", ["first of a", "second of a"])
        #expect(readiness.reasons == ["first of a", "second of a", "of b"])
        readiness.report("a", [])
        #expect(readiness.reasons == ["of b"])
    }

    @Test("What hinders a partition goes with it")
    func partition() {
        let readiness = Readiness()
        readiness.hold("flusher/t/0/store", "0")
        readiness.hold("flusher/t/0/version", "0")
        readiness.hold("flusher/t/00/store", "00")
        readiness.clear(startingWith: "flusher/t/0/")
        #expect(readiness.reasons == ["00"])
    }
}
