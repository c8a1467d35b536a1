import MarketData
import Testing

@Suite("Decimals against arithmetic on text")
struct DecimalPropertyTests {
    /// The shortest plain notation, by moving the point in the text alone.
    private func plain(whole: String, fraction: String, exponent: Int, negative: Bool) -> String {
        var digits = whole + fraction
        var point = whole.count + exponent
        if point <= 0 {
            digits = String(repeating: "0", count: 1 - point) + digits
            point = 1
        }
        if point > digits.count { digits += String(repeating: "0", count: point - digits.count) }
        var front = Substring(digits.prefix(point))
        var back = Substring(digits.dropFirst(point))
        while back.last == "0" { back.removeLast() }
        while front.count > 1, front.first == "0" { front.removeFirst() }
        let text = back.isEmpty ? String(front) : "\(front).\(back)"
        return negative && text != "0" ? "-\(text)" : text
    }

    @Test("any number that fits is read and written exactly, however it is spelled", arguments: 1...20)
    func exact(seed: Int) throws {
        var generator = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<500 {
            let whole =
                String(Int.random(in: 1...9, using: &generator))
                + generator.digits(.random(in: 0...18, using: &generator))
            let fraction = generator.digits(.random(in: 0...17, using: &generator))
            let exponent = Int.random(in: -(17 - fraction.count)...(19 - whole.count + 1), using: &generator)
            let negative = Bool.random(using: &generator)
            let sign = negative ? "-" : ""
            let mantissa = fraction.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(fraction)"
            let text = exponent == 0 ? mantissa : "\(mantissa)e\(exponent)"
            let expected = plain(whole: whole, fraction: fraction, exponent: exponent, negative: negative)
            let decimal = try Decimal(parsing: text)
            #expect(decimal.description == expected, "\(text)")
            #expect(try Decimal(parsing: expected) == decimal, "\(text)")
            #expect(try Decimal(parsing: "\(expected)e0") == decimal, "\(text)")
        }
    }

    @Test("whatever bytes come, only RFC 8259's grammar is a number", arguments: 1...10)
    func grammar(seed: Int) {
        let number = /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/
        var generator = SeededGenerator(seed: UInt64(seed))
        let alphabet = Array("0123456789.-+eE 00119x")
        for _ in 0..<1000 {
            let length = Int.random(in: 0...24, using: &generator)
            let text = String((0..<length).map { _ in alphabet[Int.random(in: 0..<alphabet.count, using: &generator)] })
            let isNumber = text.wholeMatch(of: number) != nil
            do throws(DecimalFault) {
                _ = try Decimal(parsing: text)
                #expect(isNumber, "\(text)")
            } catch .notANumber {
                #expect(!isNumber, "\(text)")
            } catch {
                #expect(isNumber, "\(text)")
            }
        }
    }

    @Test("zeros by the thousand change nothing")
    func zeros() throws {
        let zeros = String(repeating: "0", count: 5000)
        #expect(try Decimal(parsing: "1\(zeros)e-5000") == Decimal(1))
        #expect(try Decimal(parsing: "0.\(zeros)1e5001") == Decimal(1))
        #expect(try Decimal(parsing: "1.\(zeros)") == Decimal(1))
        #expect(try Decimal(parsing: "-0.\(zeros)") == .zero)
        #expect(throws: DecimalFault.tooLarge) { try Decimal(parsing: "1\(zeros)e-4979") }
        #expect(throws: DecimalFault.tooPrecise) { try Decimal(parsing: "1\(zeros)e-99999999999999999999") }
    }

    @Test("the largest magnitudes are inside, the next are not")
    func limits() throws {
        let largest = try Decimal(parsing: "99999999999999999999.999999999999999999")
        let smallest = try Decimal(parsing: "-99999999999999999999.999999999999999999")
        #expect(smallest < .zero && .zero < largest)
        #expect(Decimal(units: largest.units) == largest)
        #expect(Decimal(units: largest.units + 1) == nil)
        #expect(Decimal(units: smallest.units - 1) == nil)
        #expect(Decimal(units: .min) == nil)
        #expect(Decimal(Int64.min).description == "-9223372036854775808")
        #expect(try Decimal(parsing: "18446744073709551616").description == "18446744073709551616")
    }

    @Test("order is that of numbers, not of texts")
    func order() throws {
        let texts = ["-10", "-9.5", "-0.000000000000000001", "0", "0.1", "0.11", "2", "10"]
        let decimals = try texts.map { try Decimal(parsing: $0) }
        #expect(decimals.reversed().sorted() == decimals)
    }
}
