import EventLog
import Lake
import MarketData
import Testing
import Warehouse

@testable import Verification

@Suite("Verification: damaged figures")
struct ClampedArithmeticTests {
    @Test("What no 64 bits hold stays at their end")
    func clamps() {
        #expect(Int64.max.addingClamped(1) == .max)
        #expect(Int64.min.addingClamped(-1) == .min)
        #expect(Int64.max.subtractingClamped(-1) == .max)
        #expect(Int64.min.subtractingClamped(1) == .min)
        #expect(Int64(5).subtractingClamped(7) == -2)
        #expect([Int64.max, .max, 3].clampedSum() == .max)
    }

    @Test("A report counts on where a count would overflow")
    func reports() {
        var report = VerificationReport()
        report.checked(.messages, .max)
        report.checked(.messages, .max)
        report.pending(.messages, .max)
        report.pending(.messages, 1)
        #expect(report.tallies[.messages]?.checked == .max)
        #expect(report.tallies[.messages]?.pending == .max)
    }
}
