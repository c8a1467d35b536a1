import Foundation
import Testing

@testable import EventLog

/// A reader that stays: a frozen process, or an operator's shell.
@Suite(.timeLimit(.minutes(1)))
struct HeldReaderTests {
    @Test
    func `an open read transaction holds no writer up, however long the write-ahead log grows meanwhile`() async throws
    {
        let scratch = try Scratch()
        // To wait for the reader even once would take longer than the test may.
        let log = try await scratch.open {
            $0.checkpointBytes = 1 << 16
            $0.busyWait = .seconds(300)
        }
        _ = try await log.append([message(0)])
        let reader = try HeldReader(scratch.path)
        for number in 1...40 {
            _ = try await log.append([message(number, bytes: 100_000)])
            scratch.leaseClock.pass(seconds: 1)
        }
        let grown = try #require(scratch.size(of: "-wal"))
        #expect(grown > 8 << 16)

        reader.end()
        scratch.leaseClock.pass(seconds: 10)
        for number in 41...42 { _ = try await log.append([message(number)]) }
        // The write-ahead log has started over, and with it its length.
        #expect(try #require(scratch.size(of: "-wal")) < grown)
        #expect(try await log.numbers() == Array(0...42))
        await log.close()
    }
}

/// A read transaction of a connection of its own.
private final class HeldReader {
    private let connection: Connection

    init(_ path: String) throws(Fault) {
        connection = try Connection(path: path, mode: .existing, busyWait: .zero)
        try connection.execute("BEGIN")
        _ = try connection.integer("SELECT count(*) FROM messages_1")
    }

    func end() { try? connection.execute("COMMIT") }
}
