import Lake

extension Configuration {
    /// What is kept in a store of its own.
    public enum StoreName: String, CaseIterable, Sendable { case raw, backup, refined }

    /// Where objects are kept.
    public struct Storage: Sendable {
        private var places: [StoreName: Place] = [:]
        public var connectTimeout: Duration = .seconds(5)
        public var requestTimeout: Duration = .seconds(30)
        public var parallelism = 16

        public subscript(store: StoreName) -> Place {
            get { places[store] ?? Place() }
            set { places[store] = newValue }
        }
    }

    /// A store, and how it is reached.
    public struct Place: Sendable {
        /// nil: below the data folder.
        public var address: StoreAddress?
        public var endpoint: String?
        public var region: String?
        public var accessKey: String?
        public var secretKey: String?
    }

    /// How the store is reached; nil where it is a folder of this machine.
    public func remote(_ store: StoreName) -> RemoteStoreSettings? {
        let place = storage[store]
        guard let address = place.address, address.isRemote else { return nil }
        return RemoteStoreSettings(
            address: address, endpoint: place.endpoint, region: place.region, accessKey: place.accessKey,
            secretKey: place.secretKey, connectTimeout: storage.connectTimeout,
            requestTimeout: storage.requestTimeout, parallelism: storage.parallelism)
    }
}
