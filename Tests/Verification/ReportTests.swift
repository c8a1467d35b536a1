import Testing

@testable import Verification

@Suite("What a verification comes to")
struct ReportTests {
    @Test("is that nothing is missing and nothing is twice only where nothing is pending, rejected or lost")
    func plain() {
        var report = VerificationReport()
        report.counts = [("rows", 7), ("rejected", 0), ("lost to retention", 0)]
        #expect(report.conclusion == "proven: nothing is missing, nothing is twice")
    }

    @Test("is a proof up to the cut, with its exceptions")
    func exceptions() {
        var report = VerificationReport()
        report.counts = [("rows", 7), ("rejected", 3), ("lost to retention", 2)]
        report.pending(.messages, 4)
        report.pending(.slots)
        #expect(
            report.conclusion
                == "proven up to the cut, but for: 5 pending, 3 rejected (dead letters), 2 lost to retention")
    }

    @Test("is no proof where something is unproven, and nothing where there is a fault")
    func unproven() {
        var report = VerificationReport()
        report.unproven(.messages, "here", "gone")
        #expect(report.conclusion == "no fault; what is unproven is named above")
        report.fault(.ranges, "there", "a hole")
        #expect(report.conclusion == nil)
    }
}
