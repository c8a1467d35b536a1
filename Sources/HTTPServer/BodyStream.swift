import CMicrohttpd
import Synchronization

/// A body that comes in chunks: the connection waits, suspended, while the next one is made.
final class BodyStream: Sendable {
    private enum Phase {
        case idle
        case fetching
        case chunk([UInt8], sent: Int)
        case ended
        case failed
    }

    private let core: HTTPServerCore
    private let connection: UInt
    private let next: @Sendable () async throws -> [UInt8]?
    private let phase = Mutex(Phase.idle)

    init(
        core: HTTPServerCore, connection: OpaquePointer, next: @escaping @Sendable () async throws -> [UInt8]?
    ) {
        self.core = core
        self.connection = UInt(bitPattern: connection)
        self.next = next
    }

    static func of(_ context: UnsafeMutableRawPointer?) -> BodyStream? {
        context.map { Unmanaged<BodyStream>.fromOpaque($0).takeUnretainedValue() }
    }

    /// The library asks for up to `size` bytes; 0 where the connection was suspended instead.
    func read(into buffer: UnsafeMutablePointer<CChar>?, _ size: Int) -> Int {
        let result: Int? = phase.withLock { phase in
            switch phase {
            case .ended: return pregao_http_end_of_stream
            case .failed: return pregao_http_end_with_error
            case .fetching: return 0
            case .idle:
                phase = .fetching
                return nil
            case .chunk(let bytes, let sent):
                let count = min(size, bytes.count - sent)
                UnsafeMutableRawBufferPointer(start: buffer, count: size).copyBytes(from: bytes[sent..<sent + count])
                phase = sent + count == bytes.count ? .idle : .chunk(bytes, sent: sent + count)
                return count
            }
        }
        return result ?? fetch()
    }

    private func fetch() -> Int {
        guard let connection = OpaquePointer(bitPattern: connection) else { return pregao_http_end_with_error }
        let isSuspended = core.suspend(connection) {
            self.phase.withLock { $0 = .failed }
        } work: { suspension in
            let fetched = await self.nextPhase()
            suspension.resume { self.phase.withLock { $0 = fetched } }
        }
        return isSuspended ? 0 : pregao_http_end_with_error
    }

    private func nextPhase() async -> Phase {
        do {
            var chunk = try await next()
            while let empty = chunk, empty.isEmpty { chunk = try await next() }
            return chunk.map { .chunk($0, sent: 0) } ?? .ended
        } catch {
            return .failed
        }
    }
}
