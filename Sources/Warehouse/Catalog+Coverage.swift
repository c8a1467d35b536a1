import Lake

extension Catalog {
    /// Those of the names whose whole range the ledger holds under other keys, so that what they name can never be
    /// announced any more, nor be needed. What was refused covers nothing: its data could not be had.
    ///
    /// - Returns: their keys.
    public func coveredByOthers(_ names: [RawObjectName], snapshot: Int64? = nil) async throws(CatalogError)
        -> Set<String>
    {
        guard !names.isEmpty else { return [] }
        let list = names.map { name in
            "(\(SQL.literal(name.key)), \(SQL.literal(name.epoch)), \(SQL.literal(name.topic)), \(name.partition), "
                + "\(name.start)::BIGINT, \(name.end)::BIGINT)"
        }
        let found = try await rows(
            """
            SELECT names.key, objects.start_offset, objects.end_offset
            FROM (VALUES \(list.joined(separator: ", "))) AS names(key, epoch, topic, partition, first, last)
            JOIN lake.pregao.objects ON objects.epoch = names.epoch AND objects.topic = names.topic
                AND objects.partition = names.partition AND objects.start_offset < names.last
                AND objects.end_offset > names.first
            WHERE objects.key <> names.key AND objects.status <> \(SQL.literal(LedgerStatus.refused.rawValue))
            ORDER BY names.key, objects.start_offset
            """, snapshot: snapshot)
        var reached = Dictionary(names.map { ($0.key, $0.start) }) { first, _ in first }
        for row in found {
            let key = try row.requiredText("key")
            guard let end = reached[key], try row.requiredInteger("start_offset") <= end else { continue }
            reached[key] = max(end, try row.requiredInteger("end_offset"))
        }
        return Set(names.filter { name in reached[name.key].map { $0 >= name.end } ?? false }.map(\.key))
    }
}
