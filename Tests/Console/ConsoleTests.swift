import Console
import EventLog
import Foundation
import FoundationNetworking
import MarketData
import Runtime
import Synchronization
import Testing
import Warehouse

/// A console on a real log and a real catalog, asked over HTTP.
@Suite("The console", .serialized, .timeLimit(.minutes(2)))
struct ConsoleTests {
    private struct Parts {
        let folder: String
        let log: SQLiteEventLog
        let catalog: Catalog
        var status: StatusFolder { StatusFolder("\(folder)/status") }
    }

    /// Serves while `body` asks; `body` gets the console's address.
    private func serve(_ body: @Sendable (Parts, URL) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "pregao-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let clock = SystemWallClock()
        let log = try await SQLiteEventLog.open(
            at: "\(folder)/log/pregao.sqlite", settings: SQLiteLogSettings(), clock: clock)
        let catalog = Catalog(
            folder: "\(folder)/catalog", engine: DuckDB(location: try .discover()), clock: clock,
            logger: Logger(component: "test", sink: { _ in }), metrics: Metrics())
        try await catalog.open(datasets: Datasets.all, create: true)
        let parts = Parts(folder: folder, log: log, catalog: catalog)
        let (addresses, listening) = AsyncStream.makeStream(of: URL.self)
        let logger = Logger(
            component: "console",
            sink: { line in
                if let match = line.firstMatch(of: /url=(\S+)/), let url = URL(string: String(match.1)) {
                    listening.yield(url)
                }
            })
        let console = Console(
            settings: ConsoleSettings(port: 0), log: log, catalog: catalog, status: parts.status, logger: logger)
        let shutdown = Shutdown()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await console.run(until: shutdown) }
            defer { shutdown.request() }
            var iterator = addresses.makeAsyncIterator()
            try await body(parts, try #require(await iterator.next()))
        }
        await log.close()
    }

    private func get(_ url: URL, _ path: String, method: String = "GET") async throws -> (status: Int, body: String) {
        var request = URLRequest(url: url.appending(path: path))
        request.httpMethod = method
        let (data, response) = try await URLSession.shared.data(for: request)
        let status = try #require(response as? HTTPURLResponse).statusCode
        return (status, String(decoding: data, as: UTF8.self))
    }

    @Test("it lives, is ready, shows a page, and knows no other")
    func pages() async throws {
        try await serve { _, url in
            #expect(try await get(url, "healthz") == (200, "ok\n"))
            #expect(try await get(url, "readyz") == (200, "ready\n"))
            let page = try await get(url, "")
            #expect(page.status == 200)
            #expect(page.body.contains("<title>Pregão</title>") && page.body.contains("Newest raw objects"))
            #expect(try await get(url, "nope").status == 404)
            #expect(try await get(url, "healthz", method: "POST").status == 405)
        }
    }

    @Test("the status is each process' figures as JSON; what processes say is shown as text, never as markup")
    func status() async throws {
        try await serve { parts, url in
            try parts.status.write(Self.process("run<b>-1", held: 0))
            let status = try await get(url, "api/status")
            #expect(status.status == 200)
            let all = try JSONDecoder().decode([ProcessStatus].self, from: Data(status.body.utf8))
            #expect(all.map(\.name) == ["run<b>-1"])
            let page = try await get(url, "").body
            #expect(page.contains("run&lt;b&gt;-1") && !page.contains("run<b>-1"))
        }
    }

    @Test("it is not ready while an archiver holds partitions back, or the log is closed; and says why")
    func notReady() async throws {
        try await serve { parts, url in
            try parts.status.write(Self.process("archiver-1", held: 2))
            #expect(try await get(url, "readyz") == (503, "2 partitions are held back by the archiver\n"))
            parts.status.remove("archiver-1")
            #expect(try await get(url, "readyz").status == 200)
            await parts.log.close()
            let answer = try await get(url, "readyz")
            #expect(answer.status == 503 && answer.body.hasPrefix("log: "))
            #expect(try await get(url, "healthz").status == 200)
        }
    }

    @Test("an address that is taken is told")
    func taken() async throws {
        try await serve { parts, url in
            let second = Console(
                settings: ConsoleSettings(port: UInt16(try #require(url.port))), log: parts.log,
                catalog: parts.catalog, status: parts.status, logger: Logger(component: "test", sink: { _ in }))
            let error = await #expect(throws: ConsoleError.self) { try await second.run(until: Shutdown()) }
            #expect(error?.description.contains("Address already in use") == true)
        }
    }

    private static func process(_ name: String, held: Double) -> ProcessStatus {
        let now = SystemWallClock().now()
        let metrics = Metrics()
        metrics.set("pregao_archiver_held_partitions", to: held)
        return ProcessStatus(
            name: name, pid: getpid(), stages: ["archiver"], startedAt: now, updatedAt: now,
            figures: metrics.statusFigures())
    }
}
