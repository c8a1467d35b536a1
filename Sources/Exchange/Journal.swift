import Foundation
import MarketData
import Synchronization

/// What the exchange answered: a JSON line each, in the order of answering.
///
/// `{"serial":7,"time":1795259700000000,"method":"GET","path":"/v2/prices/BTC-USD/spot","symbol":"BTC-USD",`
/// `"series":"spot","status":200,"fault":null,"price":"52001.00000007","bytes":70}`: the time in microseconds since
/// 1970; status null where the connection closed without an answer; a price that stands in an answer with a fault is
/// not a quote.
///
/// Lines gather in memory and are written in batches; a request for the journal, and the end, write what is there.
public final class Journal: Sendable {
    struct Entry {
        let serial: UInt64
        let time: Instant
        let method: String
        let target: String
        let symbol: String
        let series: Series
        var status: Int?
        var fault: Fault?
        var price: [UInt8]?
        var bytes = 0
    }

    private struct State {
        var waiting = ByteText(reserving: batchBytes + 1024)
        var lines = 0
        var fault: ExchangeError?
    }

    private static let batchBytes = 256 << 10

    public let file: URL
    private let descriptor: Int32
    private let state = Mutex(State())

    init(file: URL) throws(ExchangeError) {
        self.file = file
        descriptor = open(file.path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else {
            throw ExchangeError(doing: "open the journal \(file.path)", cause: String(cString: strerror(errno)))
        }
    }

    deinit { close(descriptor) }

    /// Answers written or waiting to be.
    public var lines: Int { state.withLock { $0.lines } }

    func append(_ entry: Entry) {
        state.withLock { state in
            state.lines += 1
            Self.append(entry, to: &state.waiting)
            if state.waiting.bytes.count >= Self.batchBytes { write(&state) }
        }
    }

    /// Writes what is waiting.
    ///
    /// - Throws: what the file refused, now or before; the lines are then not all in it.
    public func flush() throws(ExchangeError) {
        let fault = state.withLock { state in
            write(&state)
            return state.fault
        }
        if let fault { throw fault }
    }

    /// Inside the lock, so that whoever answers waits for the disk rather than fill the memory.
    private func write(_ state: inout State) {
        var rest = state.waiting.bytes[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else {
                state.fault = ExchangeError(
                    doing: "write the journal \(file.path)", cause: String(cString: strerror(errno)))
                break
            }
            rest = rest.dropFirst(written)
        }
        state.waiting.removeAll()
    }

    private static func append(_ entry: Entry, to text: inout ByteText) {
        text.append("{\"serial\":")
        text.append(entry.serial)
        text.append(",\"time\":")
        text.append(UInt64(clamping: entry.time.microseconds))
        text.append(",\"method\":")
        text.append(quoted: entry.method)
        text.append(",\"path\":")
        text.append(quoted: entry.target)
        text.append(",\"symbol\":")
        text.append(quoted: entry.symbol)
        text.append(",\"series\":\"")
        text.append(entry.series.rawValue)
        text.append("\",\"status\":")
        if let status = entry.status { text.append(UInt64(clamping: status)) } else { text.append("null") }
        text.append(",\"fault\":")
        if let fault = entry.fault { text.append(quoted: fault.rawValue) } else { text.append("null") }
        text.append(",\"price\":")
        if let price = entry.price {
            text.append("\"")
            text.append(price)
            text.append("\"")
        } else {
            text.append("null")
        }
        text.append(",\"bytes\":")
        text.append(UInt64(clamping: entry.bytes))
        text.append("}\n")
    }
}
