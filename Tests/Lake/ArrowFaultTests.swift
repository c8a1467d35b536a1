import Testing

@testable import Lake

@Suite("What Arrow says of a call that failed")
struct ArrowFaultTests {
    static let meaningChange = [
        "IOError: Bucket 'no-such-bucket' not found",
        "Invalid: Not a valid bucket name: 'No Such Bucket'",
        "IOError: When reading information for key 'a' in bucket 'b': AWS Error ACCESS_DENIED during HeadObject operation",
        "IOError: When uploading key 'a' in bucket 'b': AWS Error NO_SUCH_BUCKET during PutObject operation: gone",
        "IOError: google::cloud::Status(PERMISSION_DENIED: Permanent error, with a last message of no right)",
        "Unknown error: google::cloud::Status(UNKNOWN: Permanent error, with a last message of Could not create a OAuth2"
            + " access token to authenticate the request. The underlying error message was: Cannot open credentials file)",
    ]

    @Test("Somebody has to change something", arguments: meaningChange)
    func needsChange(words: String) { #expect(ArrowFault(words: words).needsChange) }

    static let meaningPatience = [
        "IOError: When resolving region for bucket 'b': AWS Error NETWORK_CONNECTION during HeadBucket operation: curlCode:"
            + " 6, Could not resolve hostname",
        "IOError: When uploading key 'a' in bucket 'b': AWS Error SLOW_DOWN during PutObject operation: slower",
        "IOError: google::cloud::Status(UNAVAILABLE: Retry policy exhausted, with a last message of Could not create a"
            + " OAuth2 access token to authenticate the request. The underlying error message was: no metadata server)",
        "IOError: 'Bucket' is not what was not found",
    ]

    @Test("Waiting may mend it", arguments: meaningPatience)
    func needsPatience(words: String) { #expect(!ArrowFault(words: words).needsChange) }
}
