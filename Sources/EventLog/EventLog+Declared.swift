extension EventLog {
    /// The topic's partitions and their watermarks; none where nobody has declared it yet.
    public func marks(of topic: String) async throws(LogError) -> [TopicPartition: Watermarks] {
        do throws(LogError) {
            return try await watermarks(of: topic)
        } catch {
            guard error.kind == .unknownTopic else { throw error }
            return [:]
        }
    }
}
