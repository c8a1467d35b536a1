import JSON
import Lake
import MarketData
import Testing

struct AnnouncementTests {
    static func announcement(key: String = "raw/quotes/dt=2026-11-21/pregao.quotes~k3v9x2ab-3-1-2.parquet")
        -> Announcement
    {
        Announcement(
            bucket: "lake", key: key, size: 4711, sha256: String(repeating: "0123456789abcdef", count: 4),
            dataset: "quotes", schemaVersion: 2, epoch: "k3v9x2ab", topic: "pregao.quotes", partition: 3, start: 1200,
            end: 1400, rows: 190, rejected: 10, emptyReason: nil,
            days: [
                .init(
                    day: Day(daysSinceEpoch: 20_777), rows: 150, first: Instant(microseconds: 1_795_132_800_000_000),
                    last: Instant(microseconds: 1_795_219_199_999_999)),
                .init(
                    day: Day(daysSinceEpoch: 20_778), rows: 40, first: Instant(microseconds: 1_795_219_200_000_000),
                    last: Instant(microseconds: 1_795_219_200_000_001)),
            ], announcedAt: Instant(microseconds: 1_795_219_201_123_456))
    }

    @Test
    func `an announcement is read back as it was written`() throws {
        #expect(try Announcement.parse(Self.announcement().json()) == [Self.announcement()])
    }

    @Test
    func `an empty object's announcement says why`() throws {
        let base = Self.announcement()
        let empty = Announcement(
            bucket: base.bucket, key: base.key, size: base.size, sha256: base.sha256, dataset: base.dataset,
            schemaVersion: base.schemaVersion, epoch: base.epoch, topic: base.topic, partition: base.partition,
            start: 5, end: 9, rows: 0, rejected: 4, emptyReason: "all-rejected", days: [],
            announcedAt: base.announcedAt)
        let json = empty.json()
        #expect(try JSONDocument(parsing: json)["Records"]?[0]?["pregao"]?["reason"]?.string == "all-rejected")
        #expect(try Announcement.parse(json) == [empty])
    }

    @Test
    func `a consumer of S3's events finds what it looks for`() throws {
        let document = try JSONDocument(parsing: Self.announcement(key: "raw/red flower=1.parquet").json())
        let record = try #require(document["Records"]?[0])
        #expect(record["eventVersion"]?.string == "2.1")
        #expect(record["eventSource"]?.string == "pregao:objects")
        #expect(record["eventName"]?.string == "ObjectCreated:Put")
        #expect(record["eventTime"]?.string == "2026-11-21T00:00:01.123456Z")
        #expect(record["s3"]?["bucket"]?["name"]?.string == "lake")
        #expect(record["s3"]?["bucket"]?["arn"]?.string == "arn:aws:s3:::lake")
        #expect(record["s3"]?["object"]?["key"]?.string == "raw/red+flower%3D1.parquet")
        #expect(record["s3"]?["object"]?["size"]?.int64 == 4711)
        #expect(record["s3"]?["object"]?["eTag"]?.string == "0123456789abcdef0123456789abcdef")
        #expect(record["s3"]?["object"]?["sequencer"]?.string == "0000000000000578")
    }

    @Test
    func `the key is the one in the bucket, and the store's own is read back`() throws {
        let base = Self.announcement()
        let prefixed = Announcement(
            bucket: base.bucket, key: base.key, size: base.size, sha256: base.sha256, dataset: base.dataset,
            schemaVersion: base.schemaVersion, epoch: base.epoch, topic: base.topic, partition: base.partition,
            start: base.start, end: base.end, rows: base.rows, rejected: base.rejected, emptyReason: nil,
            days: base.days, announcedAt: base.announcedAt, keyPrefix: "of/mine/")
        let object = try JSONDocument(parsing: prefixed.json())["Records"]?[0]?["s3"]?["object"]
        #expect(object?["key"]?.string?.hasPrefix("of/mine/raw/quotes/dt%3D2026-11-21/") == true)
        #expect(try Announcement.parse(prefixed.json()) == [prefixed])
        let strange = String(decoding: prefixed.json(), as: UTF8.self).replacing(
            "\"prefix\":\"of/mine/\"", with: "\"prefix\":\"of/others/\"")
        #expect(throws: AnnouncementFault.self) { try Announcement.parse(Array(strange.utf8)) }
    }

    @Test(arguments: [
        ("raw/dt=2026-11-21/t~e-0.parquet", "raw/dt%3D2026-11-21/t~e-0.parquet"),
        ("a b+c%d&e", "a+b%2Bc%25d%26e"),
        ("São/é\"\\", "S%C3%A3o/%C3%A9%22%5C"),
        ("", ""),
    ])
    func `keys are URL-encoded as S3 does, and decoded again`(key: String, encoded: String) throws {
        let json = Self.announcement(key: key).json()
        #expect(try JSONDocument(parsing: json)["Records"]?[0]?["s3"]?["object"]?["key"]?.string == encoded)
        #expect(try Announcement.parse(json).map(\.key) == [key])
    }

    @Test
    func `a message may have several records`() throws {
        let records = try [Self.announcement(key: "a"), Self.announcement(key: "b")].map { announcement in
            try #require(JSONDocument(parsing: announcement.json())["Records"]?[0])
        }
        let message = JSONValue.object([JSONMember(name: "Records", value: .array(records))])
        #expect(try Announcement.parse(message.bytes).map(\.key) == ["a", "b"])
    }

    static let damages: [(damage: String, replacing: String, with: String, reason: String)] = [
        ("no JSON", "{\"Records\"", "Records", "not JSON"),
        ("another object", "\"Records\"", "\"records\"", "Records is missing or empty"),
        ("a removal", "ObjectCreated:Put", "ObjectRemoved:Delete", "Records[0].eventName is not ObjectCreated"),
        ("no key", "\"key\"", "\"kay\"", "Records[0].s3.object.key is missing"),
        ("a broken escape", "dt%3D", "dt%G", "Records[0].s3.object.key is not URL-encoded UTF-8"),
        ("not UTF-8 inside the key", "dt%3D", "dt%FF", "Records[0].s3.object.key is not URL-encoded UTF-8"),
        ("a size that is text", ":4711", ":\"4711\"", "Records[0].s3.object.size is not an integer"),
        ("a negative offset", ":1200", ":-1", "Records[0].pregao.start is negative"),
        ("an offset beyond 53 bits", ":1400", ":9007199254740992", "Records[0].pregao.end is beyond 2^53 - 1"),
        ("an integer's largest value", ":150", ":9223372036854775807", "Records[0].pregao.days[0].rows is beyond"),
        ("a fraction", ":1200", ":1200.5", "Records[0].pregao.start is not an integer"),
        ("a range that runs backwards", ":1200", ":1401", "Records[0].pregao.end lies before start"),
        (
            "a partition beyond 32 bits", ":3,", ":3000000000,",
            "Records[0].pregao.partition is not a partition's number"
        ),
        ("a short digest", "0123456789abcdef\",\"days", "\",\"days", "Records[0].pregao.sha256 is not a sha256"),
        ("a day that no calendar has", "2026-11-21\"", "2026-11-31\"", "Records[0].pregao.days[1].day is not a day"),
        ("rows that do not add up", ":190", ":191", "Records[0].pregao.days do not add up to rows"),
        ("days that are no array", "\"days\":[", "\"days\":0,\"x\":[", "Records[0].pregao.days is not an array"),
        ("S3's own event", "\"pregao\":", "\"other\":", "Records[0].pregao is missing"),
    ]

    @Test(arguments: damages)
    func `what is not such a message is refused, with the place`(
        damage: (damage: String, replacing: String, with: String, reason: String)
    ) throws {
        let json = String(decoding: Self.announcement().json(), as: UTF8.self)
        let damaged = json.replacing(damage.replacing, with: damage.with)
        try #require(damaged != json, "the damage did nothing")
        let fault = #expect(throws: AnnouncementFault.self) { try Announcement.parse(Array(damaged.utf8)) }
        #expect(fault?.reason.contains(damage.reason) == true, "\(fault?.reason ?? "")")
    }

    @Test
    func `a message whose days have more rows than can be counted is refused`() {
        let largest = (Int64(1) << 53) - 1
        let base = Self.announcement()
        let days = Array(
            repeating: Announcement.DayContent(
                day: Day(daysSinceEpoch: 20_777), rows: largest, first: base.announcedAt, last: base.announcedAt),
            count: 1025)
        let announcement = Announcement(
            bucket: base.bucket, key: base.key, size: base.size, sha256: base.sha256, dataset: base.dataset,
            schemaVersion: 1, epoch: base.epoch, topic: base.topic, partition: 0, start: 0, end: 1, rows: 1,
            rejected: 0, emptyReason: nil, days: days, announcedAt: base.announcedAt)
        let fault = #expect(throws: AnnouncementFault.self) { try Announcement.parse(announcement.json()) }
        #expect(fault?.reason == "Records[0].pregao.days have more rows than can be counted")
    }

    @Test
    func `no cut-off message is read`() {
        let json = Self.announcement().json()
        for length in 0..<json.count {
            #expect(throws: AnnouncementFault.self) { try Announcement.parse(Array(json[..<length])) }
        }
    }
}
