import Lake
import Testing

@Suite("Where a store is")
struct StoreAddressTests {
    @Test(
        "a URL tells the scheme, the bucket and what keys begin with",
        arguments: [
            ("s3://lake", "s3", "lake", "", "s3://lake"), ("s3://lake/", "s3", "lake", "", "s3://lake"),
            ("s3://lake/of/mine/", "s3", "lake", "of/mine/", "s3://lake/of/mine"),
            ("gs://lake/of", "gs", "lake", "of/", "gs://lake/of"),
            (
                "abfs://lake@account.dfs.core.windows.net/of", "abfs", "lake", "of/",
                "abfs://lake@account.dfs.core.windows.net/of"
            ),
            (
                "abfss://lake@account.dfs.core.windows.net", "abfs", "lake", "",
                "abfs://lake@account.dfs.core.windows.net"
            ),
            ("file:///var/lake", "file", "/var/lake", "", "/var/lake"),
            ("/var/lake", "file", "/var/lake", "", "/var/lake"),
            ("lake", "file", "lake", "", "lake"),
        ])
    func known(text: String, scheme: String, bucket: String, prefix: String, description: String) throws {
        let address = try StoreAddress(text)
        #expect(address.scheme.rawValue == scheme)
        #expect(address.bucket == bucket)
        #expect(address.prefix == prefix)
        #expect(address.description == description)
        #expect(address.isRemote == (scheme != "file"))
    }

    @Test(
        "what is none is refused, and a secret in it not repeated",
        arguments: [
            "ftp://lake", "s3://", "s3:///lake", "s3://AKIA:tiger@lake/of", "s3://lake?secret_key=tiger",
            "s3://lake/of?secret=tiger", "s3://lake/../of", "gs://tiger@lake", "abfs://lake", "abfs://lake@account",
            "file://lake",
        ])
    func refused(text: String) {
        let fault = #expect(throws: StoreAddressFault.self) { try StoreAddress(text) }
        #expect(fault?.description.contains("tiger") == false)
    }

    @Test("an object's location is what an engine and an S3 consumer name it by")
    func location() throws {
        let settings = RemoteStoreSettings(address: try StoreAddress("s3://lake/of/mine"))
        let store = RemoteObjectStore(settings)
        #expect(store.location(of: "raw/a") == "s3://lake/of/mine/raw/a")
        #expect(store.bucket == "lake")
        #expect(store.keyPrefix == "of/mine/")
    }
}
