import Foundation
import FoundationNetworking
import Operations
import Runtime
import Testing

@Suite("The endpoints of a process", .timeLimit(.minutes(1)))
struct OperationsServerTests {
    private let metrics = Metrics()
    private let readiness = Readiness()

    private func server(port: UInt16 = 0) throws -> OperationsServer {
        try OperationsServer(
            address: "127.0.0.1", port: port, metrics: metrics, readiness: readiness,
            process: ProcessFigures(version: "1.2.3"))
    }

    private func get(_ server: OperationsServer, _ path: String, method: String = "GET") async throws -> (
        status: Int, type: String?, body: String
    ) {
        var request = URLRequest(url: try #require(URL(string: "http://127.0.0.1:\(server.port)\(path)")))
        request.httpMethod = method
        let (data, response) = try await URLSession.shared.data(for: request)
        let answer = try #require(response as? HTTPURLResponse)
        return (
            answer.statusCode, answer.value(forHTTPHeaderField: "Content-Type"), String(decoding: data, as: UTF8.self)
        )
    }

    @Test("It lives whatever hinders it, and is ready where nothing does")
    func ready() async throws {
        let server = try server()
        #expect(try await get(server, "/readyz").status == 200)
        readiness.hold("flusher/log", "flusher: cannot read the log:\nbusy")
        readiness.hold("batch/catalog", "batch: the catalog does not answer")
        let held = try await get(server, "/readyz")
        #expect(held.status == 503)
        #expect(
            held.body == "batch: the catalog does not answer\nflusher: cannot read the log: busy\n")
        #expect(try await get(server, "/healthz").status == 200)
        #expect(try await get(server, "/metrics").body.contains("\npregao_ready 0\n"))
        readiness.clear(startingWith: "")
        #expect(try await get(server, "/readyz").body == "ready\n")
        #expect(try await get(server, "/metrics").body.contains("\npregao_ready 1\n"))
        await server.stop()
    }

    @Test("Its figures come as Prometheus' text, with what the kernel tells of the process")
    func figures() async throws {
        metrics.add(to: "pregao_flusher_rows_total", ["topic": "t"])
        let server = try server()
        let answer = try await get(server, "/metrics")
        #expect(answer.status == 200 && answer.type == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.body.contains("\npregao_flusher_rows_total{topic=\"t\"} 1\n"))
        #expect(answer.body.contains("\npregao_build_info{version=\"1.2.3\"} 1\n"))
        func value(_ name: String) throws -> Double {
            let line = try #require(answer.body.split(separator: "\n").first { $0.hasPrefix("\(name) ") }, "\(name)")
            return try #require(Double(line.dropFirst(name.count + 1)))
        }
        #expect(try value("process_resident_memory_bytes") > 1_048_576)
        #expect(try value("process_cpu_seconds_total") > 0)
        #expect(try value("process_open_fds") > 3)
        let now = Date().timeIntervalSince1970
        #expect(try (now - 86_400...now + 5).contains(value("process_start_time_seconds")))
        await server.stop()
    }

    @Test("It has no other page, and takes no other method")
    func others() async throws {
        let server = try server()
        #expect(try await get(server, "/").status == 404)
        #expect(try await get(server, "/metrics/x").status == 404)
        #expect(try await get(server, "/metrics", method: "POST").status == 405)
        #expect(try await get(server, "/healthz", method: "HEAD").body.isEmpty)
        await server.stop()
    }

    @Test("A port that is taken is told with its address")
    func taken() async throws {
        let first = try server()
        let error = #expect(throws: OperationsError.self) { try server(port: first.port) }
        #expect(error?.description == "listen on 127.0.0.1:\(first.port): Address already in use")
        await first.stop()
    }
}
