import JSON
import MarketData

extension Announcement {
    /// The message's value.
    ///
    /// S3 leaves `eTag` opaque; ours is the first 32 digits of the sha256, of the length that S3's have. `sequencer`,
    /// by which S3 orders the events of one key, is the range's end.
    public func json() -> [UInt8] {
        let record = JSONValue.object(members: [
            "eventVersion": .string("2.1"),
            "eventSource": .string("pregao:objects"),
            // S3's consumers ask for the member; there is no region to name.
            "awsRegion": .string(""),
            "eventTime": .string(announcedAt.description),
            "eventName": .string("ObjectCreated:Put"),
            "s3": s3,
            "pregao": pregao,
        ])
        return JSONValue.object(members: ["Records": .array([record])]).bytes
    }

    private var s3: JSONValue {
        let digits = String(end, radix: 16, uppercase: true)
        return .object(members: [
            "s3SchemaVersion": .string("1.0"),
            "configurationId": .string("pregao"),
            "bucket": .object(members: [
                "name": .string(bucket),
                "arn": .string("arn:aws:s3:::\(bucket)"),
            ]),
            "object": .object(members: [
                "key": .string(EventKey.encode(keyPrefix + key)),
                "size": .number("\(size)"),
                "eTag": .string(String(sha256.prefix(32))),
                "sequencer": .string(String(repeating: "0", count: max(0, 16 - digits.count)) + digits),
            ]),
        ])
    }

    private var pregao: JSONValue {
        .object(members: [
            "dataset": .string(dataset),
            "schemaVersion": .number("\(schemaVersion)"),
            "epoch": .string(epoch),
            "topic": .string(topic),
            "partition": .number("\(partition)"),
            "start": .number("\(start)"),
            "end": .number("\(end)"),
            "rows": .number("\(rows)"),
            "rejected": .number("\(rejected)"),
            "reason": emptyReason.map { .string($0) },
            "sha256": .string(sha256),
            "prefix": keyPrefix.isEmpty ? nil : .string(keyPrefix),
            "days": .array(days.map(\.json)),
        ])
    }
}

extension Announcement.DayContent {
    fileprivate var json: JSONValue {
        .object(members: [
            "day": .string(day.description),
            "rows": .number("\(rows)"),
            "first": .string(first.description),
            "last": .string(last.description),
        ])
    }
}

extension JSONValue {
    /// A member that is nil is left out.
    fileprivate static func object(members: KeyValuePairs<String, JSONValue?>) -> JSONValue {
        .object(members.compactMap { member in member.value.map { JSONMember(name: member.key, value: $0) } })
    }
}

extension Announcement {
    /// Reads the value of a message of `pregao.objects`, and what lies in backup as `<key>.json`.
    ///
    /// - Returns: every record of the message, at least one: one of ours has one, others' may have several.
    public static func parse(_ json: [UInt8]) throws(AnnouncementFault) -> [Announcement] {
        let document: JSONDocument
        do { document = try JSONDocument(parsing: json) } catch { throw AnnouncementFault("\(error)") }
        guard let records = document["Records"]?.array, !records.isEmpty else {
            throw AnnouncementFault("Records is missing or empty")
        }
        var announcements: [Announcement] = []
        for (index, record) in records.enumerated() {
            announcements.append(try Announcement(EventMember(record, path: "Records[\(index)]")))
        }
        return announcements
    }

    private init(_ record: EventMember) throws(AnnouncementFault) {
        guard try record["eventName"].text().hasPrefix("ObjectCreated:") else {
            throw try record["eventName"].fault("is not ObjectCreated")
        }
        let s3 = try record["s3"]
        let object = try s3["object"]
        let pregao = try record["pregao"]
        guard let keyInBucket = EventKey.decode(try object["key"].text()) else {
            throw try object["key"].fault("is not URL-encoded UTF-8")
        }
        let prefix = try pregao.optional("prefix")?.text() ?? ""
        guard keyInBucket.utf8.starts(with: prefix.utf8) else {
            throw try object["key"].fault("does not begin with the prefix")
        }
        let key = String(decoding: keyInBucket.utf8.dropFirst(prefix.utf8.count), as: UTF8.self)
        var days: [DayContent] = []
        for content in try pregao["days"].elements() { days.append(try DayContent(content)) }
        self.init(
            bucket: try s3["bucket"]["name"].text(), key: key, size: try object["size"].count(),
            sha256: try pregao["sha256"].digest(), dataset: try pregao["dataset"].text(),
            schemaVersion: Int(try pregao["schemaVersion"].count()), epoch: try pregao["epoch"].text(),
            topic: try pregao["topic"].text(), partition: try pregao["partition"].partition(),
            start: try pregao["start"].count(), end: try pregao["end"].count(), rows: try pregao["rows"].count(),
            rejected: try pregao["rejected"].count(), emptyReason: try pregao.optional("reason")?.text(),
            days: days, announcedAt: try record["eventTime"].instant(), keyPrefix: prefix)
        guard start <= end else { throw try pregao["end"].fault("lies before start") }
        guard try Self.rows(of: days, in: pregao) == rows else {
            throw try pregao["days"].fault("do not add up to rows")
        }
    }

    private static func rows(of days: [DayContent], in pregao: EventMember) throws(AnnouncementFault) -> Int64 {
        var sum: Int64 = 0
        for day in days {
            let (next, overflows) = sum.addingReportingOverflow(day.rows)
            guard !overflows else { throw try pregao["days"].fault("have more rows than can be counted") }
            sum = next
        }
        return sum
    }
}

extension Announcement.DayContent {
    fileprivate init(_ content: EventMember) throws(AnnouncementFault) {
        self.init(
            day: try content["day"].day(), rows: try content["rows"].count(), first: try content["first"].instant(),
            last: try content["last"].instant())
    }
}
