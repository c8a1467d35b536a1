import Foundation
import HTTPServer

extension Exchange {
    func answerFaults(_ request: HTTPRequest) -> HTTPResponse {
        do {
            switch request.method {
            case "GET": break
            case "PUT": faults = try JSONDecoder().decode(FaultPlan.self, from: Data(request.body))
            default: return HTTPResponse(status: 405, headers: [("Allow", "GET, PUT")], body: .bytes([]))
            }
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys]
            return HTTPResponse(contentType: Self.json, Array(try encoder.encode(faults)))
        } catch {
            return HTTPResponse(status: 400, "not a fault plan: \(error)\n")
        }
    }

    /// Everything answered so far, a JSON line each.
    func answerJournal(_ request: HTTPRequest) -> HTTPResponse {
        guard request.method == "GET" else {
            return HTTPResponse(status: 405, headers: [("Allow", "GET")], body: .bytes([]))
        }
        guard let journal else { return HTTPResponse(status: 404, "This exchange keeps no journal.\n") }
        do {
            try journal.flush()
            let handle = try FileHandle(forReadingFrom: journal.file)
            return HTTPResponse(
                headers: [("Content-Type", "application/x-ndjson")],
                body: .stream(announcedLength: nil) {
                    try handle.read(upToCount: 1 << 20).map { Array($0) }.flatMap { $0.isEmpty ? nil : $0 }
                })
        } catch {
            return HTTPResponse(status: 500, "\(error)\n")
        }
    }
}
