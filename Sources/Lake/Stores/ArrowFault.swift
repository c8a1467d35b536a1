import CArrow

/// What Arrow says of a call that failed.
struct ArrowFault: Error, Hashable {
    let words: String

    static func check(_ message: UnsafeMutablePointer<CChar>?) throws(ArrowFault) {
        guard let message else { return }
        defer { pregao_arrow_free_message(message) }
        throw ArrowFault(words: String(cString: message))
    }

    /// Whether the store has answered, and somebody has to change something: the credentials, the rights, the bucket.
    ///
    /// S3 says so by codes, of which Arrow names the ones that it knows, or where the answer has no body, as to HEAD, by
    /// the HTTP status alone; Google and Azure by words. Of a bucket whose region it looks for, Arrow says in its own that
    /// it is not there, or cannot be.
    var needsChange: Bool {
        Self.meaningChange.contains { words.contains($0) } || words.contains(/Bucket '[^']*' not found/)
    }

    private static let meaningChange = [
        "ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID",
        "UNRECOGNIZED_CLIENT", "MISSING_AUTHENTICATION_TOKEN", "ExpiredToken", "InvalidToken",
        "AuthorizationHeaderMalformed",
        "PermanentRedirect", "NO_SUCH_BUCKET", "HTTP status 301", "HTTP status 401", "HTTP status 403",
        "PERMISSION_DENIED", "UNAUTHENTICATED", "AuthenticationFailed", "AuthorizationFailure",
        "AuthorizationPermissionMismatch", "ContainerNotFound", "Not a valid bucket name",
        // Google's library could not read the credentials. Where nobody gives it a token it says that it has tried again.
        "Permanent error, with a last message of Could not create a OAuth2 access token",
    ]
}
