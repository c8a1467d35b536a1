extension Setting {
    private enum Answer: String, CaseIterable { case yes, no }

    /// When and how the batch compacts closed days.
    static let compaction: [Setting] = [
        choice(
            "batch.compact", "Whether the batch makes few large files of the many small ones of closed days.",
            standard: Answer.yes
        ) { $0.batch.compact = $1 == .yes },
        duration(
            "batch.compact-after", "How long after a day's end in UTC it is compacted.",
            standard: Configuration().batch.compactAfter, in: .zero ... .seconds(365 * 86_400)
        ) { $0.batch.compactAfter = $1 },
        bytes(
            "batch.compact-size", "The size of the small files, all in all, that one large file is made of.",
            standard: Configuration().batch.compactSize, in: 1 << 20...1 << 30
        ) { $0.batch.compactSize = $1 },
    ]
}
