extension Setting {
    /// How long raw keeps what has been compacted.
    static let retention: [Setting] = [
        duration(
            "batch.raw-retention",
            "How long after their compaction raw objects are kept in raw, such as 90d; backup keeps its own. Without it"
                + " for ever.", standard: nil, in: .zero ... .seconds(36_500 * 86_400)
        ) { $0.batch.rawRetention = $1 }
    ]
}
