import Foundation
import HTTPServer
import Synchronization
import Testing

@Suite("HTTP server", .timeLimit(.minutes(1)))
struct HTTPServerTests {
    private static func answer(
        to text: String, settings: HTTPServerSettings = HTTPServerSettings(), handler: @escaping HTTPServer.Handler
    ) async throws -> String {
        let server = try HTTPServer(settings, handler: handler)
        let connection = try RawConnection(port: server.port)
        connection.send(text)
        let answer = await connection.readToEnd()
        await server.stop()
        return answer
    }

    private static func body(of answer: String) -> String {
        answer.firstRange(of: "\r\n\r\n").map { String(answer[$0.upperBound...]) } ?? ""
    }

    @Test("a handler sees the method, target, decoded path, query, headers and body")
    func request() async throws {
        let seen = Mutex<HTTPRequest?>(nil)
        let text =
            "PUT /a%20b/c?x=1&y=%C3%A9&x=2 HTTP/1.1\r\nHost: h\r\nX-Thing: one\r\nContent-Length: 5\r\n"
            + "Connection: close\r\n\r\nhello"
        _ = try await Self.answer(to: text) { request in
            seen.withLock { $0 = request }
            return .now(HTTPResponse("ok"))
        }
        let request = try #require(seen.withLock { $0 })
        #expect(request.method == "PUT")
        #expect(request.target == "/a%20b/c?x=1&y=%C3%A9&x=2")
        #expect(request.path == "/a b/c")
        #expect(request.query["x"] == "1")
        #expect(request.query["y"] == "é")
        #expect(request.query["X"] == nil)
        #expect(request.query.pairs.map(\.value) == ["1", "é", "2"])
        #expect(request.headers["x-thing"] == "one")
        #expect(request.body == Array("hello".utf8))
        #expect(request.client.description == "::ffff:127.0.0.1")
    }

    @Test("an answer bears its status, headers and body")
    func response() async throws {
        let answer = try await Self.answer(to: RawConnection.get("/")) { _ in
            .now(HTTPResponse(status: 429, headers: [("Retry-After", "7")], body: .bytes(Array("slow".utf8))))
        }
        #expect(answer.hasPrefix("HTTP/1.1 429 "))
        #expect(answer.contains("Retry-After: 7\r\n"))
        #expect(answer.contains("Content-Length: 4\r\n"))
        #expect(Self.body(of: answer) == "slow")
    }

    @Test("a connection serves one request after another")
    func keepAlive() async throws {
        let requests = RawConnection.get("/1", close: false) + RawConnection.get("/2", close: false)
        let answer = try await Self.answer(to: requests + RawConnection.get("/3")) { request in
            .now(HTTPResponse("<\(request.path)>"))
        }
        #expect(answer.components(separatedBy: "HTTP/1.1 200").count == 4)
        #expect(answer.contains("</1>") && answer.contains("</2>") && answer.contains("</3>"))
    }

    @Test("work that takes its time holds back its own connection only")
    func later() async throws {
        let gate = AsyncStream<Void>.makeStream()
        let server = try HTTPServer(HTTPServerSettings(threads: 1)) { request in
            guard request.path == "/slow" else {
                gate.continuation.finish()
                return .now(HTTPResponse("quick"))
            }
            return .later {
                for await _ in gate.stream {}
                return .now(HTTPResponse("slow"))
            }
        }
        let slow = try RawConnection(port: server.port)
        slow.send(RawConnection.get("/slow"))
        let quick = try RawConnection(port: server.port)
        quick.send(RawConnection.get("/quick"))
        #expect(Self.body(of: await quick.readToEnd()) == "quick")
        #expect(Self.body(of: await slow.readToEnd()) == "slow")
        await server.stop()
    }

    @Test("a connection may close without an answer, at once or later", arguments: [false, true])
    func close(later: Bool) async throws {
        let answer = try await Self.answer(to: RawConnection.get("/")) { _ in later ? .later { .close } : .close }
        #expect(answer == "")
    }

    @Test("a body may end before its announced length")
    func cut() async throws {
        let answer = try await Self.answer(to: RawConnection.get("/", close: false)) { _ in
            .now(HTTPResponse(body: .cut(Array("half".utf8), announcedLength: 8)))
        }
        #expect(answer.contains("Content-Length: 8\r\n"))
        #expect(Self.body(of: answer) == "half")
    }

    @Test("a body may come in chunks, and break off between them", arguments: [false, true])
    func stream(breaks: Bool) async throws {
        struct Broken: Error {}
        let answer = try await Self.answer(to: RawConnection.get("/")) { _ in
            let left = Mutex([Array("one".utf8), [], Array("two".utf8)])
            return .now(
                HTTPResponse(
                    body: .stream(announcedLength: nil) {
                        guard let next = left.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else {
                            guard breaks else { return nil }
                            throw Broken()
                        }
                        return next
                    }))
        }
        #expect(answer.contains("Transfer-Encoding: chunked\r\n"))
        let body = Self.body(of: answer)
        #expect(body.contains("one\r\n") && body.contains("two\r\n"))
        #expect(body.hasSuffix("\r\n0\r\n\r\n") == !breaks)
    }

    @Test("a body above the bound is refused, the handler not asked")
    func bound() async throws {
        let asked = Mutex(false)
        let text =
            "PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\nConnection: close\r\n\r\n"
            + String(repeating: "x", count: 100_000)
        let answer = try await Self.answer(to: text, settings: HTTPServerSettings(maximumBodyBytes: 1000)) { _ in
            asked.withLock { $0 = true }
            return .now(HTTPResponse("ok"))
        }
        #expect(answer.hasPrefix("HTTP/1.1 413 "))
        #expect(!asked.withLock { $0 })
    }

    @Test("stopping lets a request under way end, and accepts no other")
    func stop() async throws {
        let arrived = AsyncStream<Void>.makeStream()
        let server = try HTTPServer { _ in
            .later {
                arrived.continuation.finish()
                await Task.yield()
                return .now(HTTPResponse("done"))
            }
        }
        let connection = try RawConnection(port: server.port)
        connection.send(RawConnection.get("/", close: false))
        for await _ in arrived.stream {}
        await server.stop()
        #expect(Self.body(of: await connection.readToEnd()) == "done")
        #expect(throws: POSIXError.self) { try RawConnection(port: server.port) }
    }

    @Test("work that outlives the time to drain is cancelled and its connection closed")
    func abandon() async throws {
        let arrived = AsyncStream<Void>.makeStream()
        let server = try HTTPServer(HTTPServerSettings(draining: .zero)) { _ in
            .later {
                arrived.continuation.finish()
                try? await Task.sleep(for: .seconds(3600))
                return .now(HTTPResponse("late"))
            }
        }
        let connection = try RawConnection(port: server.port)
        connection.send(RawConnection.get("/"))
        for await _ in arrived.stream {}
        await server.stop()
        #expect(await connection.readToEnd() == "")
    }

    @Test("an address that is taken, or is none, is an error that names it")
    func unusable() async throws {
        let server = try HTTPServer { _ in .close }
        #expect {
            _ = try HTTPServer(HTTPServerSettings(port: server.port)) { _ in .close }
        } throws: { error in
            "\(error)" == "listen on 127.0.0.1:\(server.port): Address already in use"
        }
        #expect {
            _ = try HTTPServer(HTTPServerSettings(address: "localhost")) { _ in .close }
        } throws: { error in
            "\(error)" == "listen on localhost:0: not a numeric IPv4 or IPv6 address"
        }
        await server.stop()
    }

    @Test("IPv6 is served too")
    func ipv6() async throws {
        let server = try HTTPServer(HTTPServerSettings(address: "::1")) { _ in .close }
        #expect(server.port > 0)
        await server.stop()
    }
}
