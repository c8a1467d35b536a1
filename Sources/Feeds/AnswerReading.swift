import JSON
import MarketData

extension Answer {
    /// The body as JSON, where the status is 200.
    func json(maximumBytes: Int) throws(AnswerFault) -> JSONValue {
        guard status == 200 else { throw statusFault() }
        if isHTML { throw AnswerFault(.html, "an HTML page of \(body.count) bytes") }
        do {
            return try JSONDocument(parsing: body, maximumBytes: maximumBytes, maximumDepth: 16).root
        } catch {
            throw AnswerFault(error, bytes: body.count)
        }
    }

    private func statusFault() -> AnswerFault {
        let words = errorWords().map { ": \($0)" } ?? ""
        return AnswerFault(status == 429 ? .rateLimited : .httpStatus, "HTTP status \(status)\(words)")
    }

    /// Coinbase's `{"errors":[{"id","message"}]}` and `{"message"}`, cut to a line's length.
    private func errorWords() -> String? {
        guard !isHTML, let root = try? JSONDocument(parsing: body, maximumBytes: 1 << 16, maximumDepth: 16) else {
            return nil
        }
        let words = root["errors"]?[0]?["message"]?.string ?? root["message"]?.string
        return words.map { String($0.prefix(200)) }
    }

    /// No JSON document starts with `<`.
    private var isHTML: Bool {
        let blanks: [UInt8] = [0x20, 0x09, 0x0A, 0x0D, 0xEF, 0xBB, 0xBF]
        return body.first { !blanks.contains($0) } == UInt8(ascii: "<")
    }
}

extension AnswerFault {
    init(_ fault: JSONFault, bytes: Int) {
        let reason: GapReason =
            switch fault {
            case .malformed, .unreadableNumber: .malformed
            case .notUTF8: .notUTF8
            case .tooLarge: .tooLarge
            case .tooDeep: .tooDeep
            case .notAnObject: .wrongType
            case .duplicateKey: .duplicateKey
            }
        self.init(reason, "\(fault) (\(bytes) bytes)")
    }

    init(_ fault: ObservationFault) {
        let reason: GapReason =
            switch fault.reason {
            case .missing: .missingField
            case .wrongType, .unknownColumn: .wrongType
            case .implausibleTime: .implausibleTime
            }
        self.init(reason, "\(fault)")
    }
}

/// What a number must be.
enum Bound {
    case positive
    case notNegative
}

extension JSONValue {
    /// The member `name`, which must be there and not null.
    func required(_ name: String) throws(AnswerFault) -> JSONValue {
        guard case .object = self else { throw AnswerFault(.wrongType, "no object where \"\(name)\" should be") }
        guard let value = self[name] else { throw AnswerFault(.missingField, "\"\(name)\" is missing") }
        if value.isNull { throw AnswerFault(.nullField, "\"\(name)\" is null") }
        return value
    }

    /// The member `name`; nil where it is missing or null.
    func optional(_ name: String) -> JSONValue? {
        self[name].flatMap { $0.isNull ? nil : $0 }
    }

    func text(_ name: String) throws(AnswerFault) -> String {
        guard let string else { throw AnswerFault(.wrongType, "\"\(name)\" is not a string") }
        return string
    }

    /// A number that the source writes as a string.
    func decimalText(_ name: String, _ bound: Bound) throws(AnswerFault) -> Decimal {
        try Decimal(try text(name), name, bound)
    }

    /// A number that the source writes as a number.
    func decimalNumber(_ name: String, _ bound: Bound) throws(AnswerFault) -> Decimal {
        guard case .number(let digits) = self else { throw AnswerFault(.wrongType, "\"\(name)\" is not a number") }
        return try Decimal(digits, name, bound)
    }
}

extension Decimal {
    fileprivate init(_ text: String, _ name: String, _ bound: Bound) throws(AnswerFault) {
        do {
            self = try Decimal(parsing: text)
        } catch .notANumber {
            throw AnswerFault(.notANumber, "\"\(name)\" is \"\(text.prefix(60))\", which is not a number")
        } catch {
            throw AnswerFault(.doesNotFit, "\"\(name)\" is \(text.prefix(60)), which DECIMAL(38,18) cannot hold")
        }
        let isAllowed = bound == .positive ? self > .zero : self >= .zero
        guard isAllowed else { throw AnswerFault(.notPositive, "\"\(name)\" is \(text.prefix(60))") }
    }
}

/// Runs a reading that throws, and gives its result.
func reading<Rows>(_ body: () throws(AnswerFault) -> Rows) -> Result<Rows, AnswerFault> { Result(catching: body) }
