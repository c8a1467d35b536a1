import Lake
import ObjectStoreTesting
import Synchronization
import Testing

/// A call of a store's, in the middle of which something goes wrong.
private enum Step: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case put, read, size, list, remove

    var testDescription: String { rawValue }

    /// Arrow asks for an object before it reads or removes it.
    var method: String? { self == .put ? "PUT" : nil }

    func run(on store: RemoteObjectStore, _ key: String = "raw/a") async throws(StoreError) {
        switch self {
        case .put: try await store.put([1, 2, 3], at: "\(key)-put")
        case .read: _ = try await store.read(key)
        case .size: _ = try await store.size(of: key)
        case .list: _ = try await store.list(prefix: "raw/", after: nil, limit: 10)
        case .remove: try await store.remove(key)
        }
    }
}

/// What an S3 server may answer instead, and what that means.
private struct Answer: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let fault: S3Fault
    let kind: StoreError.Kind
    var timeout = Duration.seconds(20)

    static let all = [
        Answer(testDescription: "500", fault: .status(500, "InternalError"), kind: .unavailable),
        Answer(testDescription: "503 SlowDown", fault: .status(503, "SlowDown"), kind: .unavailable),
        Answer(testDescription: "429", fault: .status(429, "TooManyRequests"), kind: .unavailable),
        Answer(testDescription: "403 AccessDenied", fault: .status(403, "AccessDenied"), kind: .misconfigured),
        Answer(
            testDescription: "403 SignatureDoesNotMatch", fault: .status(403, "SignatureDoesNotMatch"),
            kind: .misconfigured),
        Answer(
            testDescription: "nothing in time", fault: .slow(seconds: 20), kind: .unavailable, timeout: .seconds(1)),
        Answer(testDescription: "a connection that is cut", fault: .cutRequest(after: 0), kind: .unavailable),
    ]
}

/// A local S3 server that answers as one in trouble does.
@Suite("An S3 store in trouble", .timeLimit(.minutes(2)))
struct S3FaultTests {
    private func withBucket(
        _ body: (Bucket, RemoteObjectStore) async throws -> Void, prefix: String = "lake",
        changing: (inout RemoteStoreSettings) -> Void = { _ in }
    ) async throws {
        let bucket = try await S3Server.shared().bucket()
        var settings = try bucket.settings(prefix: prefix)
        changing(&settings)
        try await body(bucket, RemoteObjectStore(settings))
    }

    @Test(arguments: Answer.all, Step.allCases)
    private func `each call says what kind of trouble it met, and works once it is over`(_ answer: Answer, _ step: Step)
        async throws
    {
        try await withBucket { bucket, store in
            try await store.put([1, 2, 3], at: "raw/a")
            try await bucket.spoil([answer.fault.on(step.method)])
            var settings = store.settings
            settings.requestTimeout = answer.timeout
            let error = await #expect(throws: StoreError.self) { try await step.run(on: RemoteObjectStore(settings)) }
            #expect(error?.kind == answer.kind)
            #expect(error?.doing.contains("s3://\(bucket.name)/lake/raw") == true)
            try await bucket.spoil([])
            #expect(try await store.read("raw/a") == [1, 2, 3])
            #expect(try await store.size(of: "raw/a-put") == nil)
            try await step.run(on: store)
        }
    }

    @Test func `no more than one more try is hidden from the caller`() async throws {
        try await withBucket { bucket, store in
            try await store.check()
            _ = try await bucket.requests()
            try await bucket.spoil([S3Fault.status(503, "SlowDown")])
            await #expect(throws: StoreError.self) { try await store.size(of: "raw/a") }
            #expect(try await bucket.requests() == ["HEAD lake/raw/a", "HEAD lake/raw/a"])
        }
    }

    @Test func `an answer that is cut is no short object`() async throws {
        try await withBucket { bucket, store in
            try await store.put(Array(repeating: 7, count: 100_000), at: "raw/a")
            try await bucket.spoil([S3Fault.cutAnswer.on("GET", key: "raw/a")])
            let error = await #expect(throws: StoreError.self) { try await store.read("raw/a") }
            #expect(error?.kind == .unavailable)
        }
    }

    @Test func `where the answer to a put is lost, putting again finds the object there`() async throws {
        try await withBucket { bucket, store in
            // Both tries inside the call.
            try await bucket.spoil([S3Fault.loseAnswer.on("PUT", times: 2)])
            let error = await #expect(throws: StoreError.self) { try await store.put([1, 2], at: "raw/a") }
            #expect(error?.kind == .unavailable)
            try await store.put([1, 2], at: "raw/a")
            #expect(try await store.read("raw/a") == [1, 2])
        }
    }

    // MARK: - Uploads in parts

    /// Arrow uploads in parts of 10 MiB what is as large: here in three, the last of which goes as the object is closed.
    private static let large = [UInt8](repeating: 7, count: 21 << 20)

    /// What may go wrong in it, and whether the store is asked to forget the parts: not once the object was to be closed.
    private struct Break: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let fault: S3Fault
        var isForgotten = true

        static let all = [
            Break(testDescription: "no upload", fault: .status(500, "InternalError").on("POST", query: "uploads")),
            Break(
                testDescription: "a part is cut", fault: .cutRequest(after: 1 << 20).on("PUT", query: "partNumber=2")),
            Break(
                testDescription: "a part is refused",
                fault: .status(503, "SlowDown").on("PUT", query: "partNumber=2")),
            Break(
                testDescription: "the last part is cut",
                fault: .cutRequest(after: 1 << 19).on("PUT", query: "partNumber=3"), isForgotten: false),
            Break(
                testDescription: "the end is refused",
                fault: .status(500, "InternalError").on("POST", query: "uploadId"), isForgotten: false),
        ]
    }

    @Test(arguments: Break.all)
    private func `an upload that breaks off leaves no object, and is made anew`(_ fault: Break) async throws {
        try await withBucket { bucket, store in
            try await bucket.spoil([fault.fault])
            let error = await #expect(throws: StoreError.self) { try await store.put(Self.large, at: "raw/a") }
            #expect(error?.kind == .unavailable)
            #expect(try await bucket.objects().isEmpty)
            #expect(try await bucket.uploads() == (fault.isForgotten ? [] : ["lake/raw/a"]))
            try await bucket.spoil([])
            try await store.put(Self.large, at: "raw/a")
            #expect(try await bucket.objects() == ["lake/raw/a": Self.large.count])
        }
    }

    @Test func `an upload that cannot even be given up is never finished, and given up with the next put`() async throws
    {
        try await withBucket { bucket, store in
            try await bucket.spoil([
                .cutRequest(after: 1 << 20).on("PUT", query: "partNumber=2"), .status(503, "SlowDown").on("DELETE"),
            ])
            await #expect(throws: StoreError.self) { try await store.put(Self.large, at: "raw/a") }
            try await bucket.spoil([])
            #expect(try await bucket.objects().isEmpty)
            #expect(try await bucket.uploads() == ["lake/raw/a"])
            try await store.put([1], at: "raw/b")
            #expect(try await bucket.uploads().isEmpty)
            #expect(try await bucket.objects() == ["lake/raw/b": 1])
        }
    }

    @Test func `an upload that the store never forgets is asked about some times, then left to it, and told of`()
        async throws
    {
        let bucket = try await S3Server.shared().bucket()
        let said = Mutex<[String]>([])
        let store = RemoteObjectStore(try bucket.settings(prefix: "lake")) { words in said.withLock { $0.append(words) }
        }
        try await bucket.spoil([
            .cutRequest(after: 1 << 20).on("PUT", query: "partNumber=2"), .status(503, "SlowDown").on("DELETE"),
        ])
        await #expect(throws: StoreError.self) { try await store.put(Self.large, at: "raw/a") }
        for number in 0..<10 { try await store.put([1], at: "raw/b\(number)") }
        #expect(said.withLock { $0.count } == 1)
        #expect(said.withLock { $0.allSatisfy { $0.contains("s3://\(bucket.name)/lake") } })
        // Nobody asks any more, and it is not finished either, also where the store would now do both.
        _ = try await bucket.requests()
        try await bucket.spoil([])
        try await store.put([1], at: "raw/c")
        #expect(try await bucket.requests().allSatisfy { !$0.hasPrefix("DELETE") })
        #expect(try await bucket.uploads() == ["lake/raw/a"])
        #expect(try await bucket.objects()["lake/raw/a"] == nil)
        try await store.put(Self.large, at: "raw/a")
        #expect(try await bucket.objects()["lake/raw/a"] == Self.large.count)
    }

    @Test func `so many uploads are kept to be asked about, and each that is left to the store is told of`()
        async throws
    {
        let bucket = try await S3Server.shared().bucket()
        let said = Mutex(0)
        let store = RemoteObjectStore(try bucket.settings()) { _ in said.withLock { $0 += 1 } }
        try await bucket.spoil([
            .cutRequest(after: 0).on("PUT", query: "partNumber=1"), .status(503, "SlowDown").on("DELETE"),
        ])
        for number in 0..<24 {
            await #expect(throws: StoreError.self) { try await store.put(Self.large, at: "raw/\(number)") }
        }
        // All that are kept are forgotten by the store with the next put, now that it does so.
        try await bucket.spoil([])
        try await store.put([1], at: "raw/b")
        let left = try await bucket.uploads().count
        #expect(left >= 24 - 16)
        #expect(said.withLock { $0 } == left)
        #expect(try await bucket.objects() == ["raw/b": 1])
    }

    // MARK: - Listings

    @Test func `a listing goes on after a server's thousand keys, and reads each folder once`() async throws {
        try await withBucket { bucket, store in
            try await bucket.fill("lake/raw/quotes/dt=2026-11-26/", count: 2300)
            try await bucket.fill("lake/raw/quotes/dt=2026-11-27/", count: 300)
            try await bucket.fill("lake/refined/", count: 10)
            _ = try await bucket.requests()
            var keys: [String] = []
            while true {
                let page = try await store.list(prefix: "raw/", after: keys.last, limit: 400)
                if page.isEmpty { break }
                keys += page.map(\.key)
            }
            let expected = [("26", 2300), ("27", 300)].flatMap { day, count in
                (0..<count).map { number in
                    let digits = String(number)
                    return "raw/quotes/dt=2026-11-\(day)/" + String(repeating: "0", count: 5 - digits.count) + digits
                }
            }
            #expect(keys == expected)
            // The store's root, raw and quotes once each; the first day in three, the other in one; whether the bucket
            // is there at the end, and the folders above the last key once more then.
            #expect(try await bucket.requests().count < 16)
        }
    }

    @Test func `what was put after a listing began anew is in it`() async throws {
        try await withBucket { bucket, store in
            for key in ["raw/a", "raw/b"] { try await store.put([1], at: key) }
            #expect(try await store.list(prefix: "raw/", after: nil, limit: 1).map(\.key) == ["raw/a"])
            try await store.put([1], at: "raw/c")
            #expect(
                try await store.list(prefix: "raw/", after: nil, limit: 9).map(\.key) == ["raw/a", "raw/b", "raw/c"])
            #expect(try await store.list(prefix: "raw/", after: "raw/b", limit: 9).map(\.key) == ["raw/c"])
        }
    }

    // MARK: - What somebody has to change

    @Test(arguments: Step.allCases)
    private func `a bucket that is not there is neither made nor taken for an empty one`(_ step: Step) async throws {
        let server = try await S3Server.shared()
        let bucket = try await server.bucket()
        var settings = try bucket.settings()
        settings.address = try StoreAddress("s3://not-\(bucket.name)/lake")
        let store = RemoteObjectStore(settings)
        // There is nothing to remove in it.
        guard step != .remove else { return try await step.run(on: store) }
        let error = await #expect(throws: StoreError.self) { try await step.run(on: store) }
        #expect(error?.kind == .misconfigured)
        let checked = await #expect(throws: StoreError.self) { try await store.check() }
        #expect(checked?.kind == .misconfigured)
    }

    @Test func `credentials that are refused are told apart, and never shown`() async throws {
        try await withBucket(
            { bucket, store in
                try await bucket.spoil([S3Fault.refusingAll(but: Bucket.accessKey)])
                let checked = await #expect(throws: StoreError.self) { try await store.check() }
                let put = await #expect(throws: StoreError.self) { try await store.put([1], at: "raw/a") }
                for error in [checked, put] {
                    #expect(error?.kind == .misconfigured)
                    #expect(error?.description.contains("wrong+secret") == false)
                }
                try await RemoteObjectStore(bucket.settings()).check()
            },
            changing: {
                $0.accessKey = "AKIAOTHER"
                $0.secretKey = "wrong+secret"
            })
    }

    @Test func `a server that is not there is unavailable`() async throws {
        try await withBucket(
            { bucket, store in
                let error = await #expect(throws: StoreError.self) { try await store.check() }
                #expect(error?.kind == .unavailable)
            }, changing: { $0.endpoint = "http://127.0.0.1:1" })
    }

    @Test func `the engine is told the same credentials`() async throws {
        try await withBucket { bucket, store in
            let credentials = try await store.credentials()
            #expect(credentials.accessKey == Bucket.accessKey)
            #expect(credentials.secretKey == Bucket.secretKey)
            #expect(credentials.sessionToken.isEmpty)
            #expect(credentials.region == "us-east-1")
        }
    }
}
