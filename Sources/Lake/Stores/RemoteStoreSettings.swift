/// How a store of another machine is reached.
public struct RemoteStoreSettings: Hashable, Sendable {
    public var address: StoreAddress
    /// `http://host:port` in place of the provider's own; nil for that.
    public var endpoint: String?
    public var region: String?
    /// An S3 access key; nil leaves it to the environment, shared files and the machine's role.
    public var accessKey: String?
    /// What belongs to it; of Azure the account's key.
    public var secretKey: String?
    public var connectTimeout: Duration
    /// A request that moves no byte for this long is given up. To Google and Azure none is: see ``callLimit``.
    public var requestTimeout: Duration
    /// How many requests are under way at the same time.
    public var parallelism: Int

    public init(
        address: StoreAddress, endpoint: String? = nil, region: String? = nil, accessKey: String? = nil,
        secretKey: String? = nil, connectTimeout: Duration = .seconds(5), requestTimeout: Duration = .seconds(30),
        parallelism: Int = 16
    ) {
        self.address = address
        self.endpoint = endpoint
        self.region = region
        self.accessKey = accessKey
        self.secretKey = secretKey
        self.connectTimeout = connectTimeout
        self.requestTimeout = requestTimeout
        self.parallelism = parallelism
    }

    /// How long a call may take, from its beginning to its end; nil where each of its requests has a limit.
    ///
    /// Arrow passes no time-outs on to Google's library, which gives a request up that has moved no byte for two minutes,
    /// nor to Azure's, which waits for as long as the connection seems to stand.
    var callLimit: Duration? { address.scheme == .s3 ? nil : requestTimeout * 10 }
}
