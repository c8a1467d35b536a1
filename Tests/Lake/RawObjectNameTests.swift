import Lake
import MarketData
import Testing

struct RawObjectNameTests {
    static let key =
        "raw/index-portfolio/dt=2026-11-21/"
        + "pregao.index-portfolio~k3v9x2ab-3-00000000000000001200-00000000000000001399-ba7816bf8f01cfea.parquet"

    @Test
    func `a name tells position and content`() throws {
        let name = RawObjectName(
            dataset: "index-portfolio", day: try #require(Day("2026-11-21")), topic: "pregao.index-portfolio",
            epoch: "k3v9x2ab", partition: 3, start: 1200, end: 1399,
            sha256: SHA256.hexadecimal(of: Array("abc".utf8)))
        #expect(name.key == Self.key)
    }

    @Test
    func `a key is read back to its name`() throws {
        let name = try #require(RawObjectName(key: Self.key))
        #expect(name.dataset == "index-portfolio")
        #expect(name.topic == "pregao.index-portfolio")
        #expect(name.epoch == "k3v9x2ab")
        #expect(name.partition == 3)
        #expect(name.start == 1200)
        #expect(name.end == 1399)
        #expect(name.digest == "ba7816bf8f01cfea")
        #expect(name.key == Self.key)
    }

    @Test(arguments: [
        "", "raw", "raw/quotes/dt=2026-11-21/other.parquet",
        key + ".json", String(key.dropLast(8)), "lake/" + key,
        key.replacing("dt=2026-11-21", with: "dt=2026-13-21"),
        key.replacing("~", with: "-"),
        key.replacing("-3-", with: "-03-"),
        key.replacing("-3-", with: "-x-"),
        key.replacing("00000000000000001200", with: "1200"),
        key.replacing("00000000000000001200", with: "+0000000000000001200"),
        key.replacing("ba7816bf8f01cfea", with: "ba7816bf"),
    ])
    func `a key of another form is not a raw object's`(key: String) {
        #expect(RawObjectName(key: key) == nil)
    }

    @Test
    func `names of one partition sort by position`() throws {
        let day = try #require(Day("2026-11-21"))
        let keys = [9, 10, 99, 1_000_000_000_000].map { start in
            RawObjectName(
                dataset: "quotes", day: day, topic: "pregao.quotes", epoch: "e", partition: 0, start: start,
                end: start + 1, sha256: String(repeating: "f", count: 64)
            ).key
        }
        #expect(keys == keys.sorted())
    }
}
