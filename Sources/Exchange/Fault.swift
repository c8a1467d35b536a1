/// A way in which an answer is not a quote.
public enum Fault: String, CaseIterable, Codable, Hashable, Sendable {
    /// 429 with Retry-After.
    case tooManyRequests = "429"
    case serverError = "500"
    /// 404, as for a symbol that the source does not know.
    case notFound = "404"
    /// The connection closes without an answer.
    case closed
    /// The connection closes in the middle of the body.
    case cut
    /// 200 with no body.
    case empty
    /// 200 with an HTML page.
    case html
    /// The JSON ends early, though the length announced is right.
    case truncated
    /// Not JSON's grammar.
    case malformed
    /// The price is null.
    case null
    /// The price is neither a string nor a number.
    case wrongType = "wrong-type"
    /// The price is a string that is not a number.
    case notANumber = "not-a-number"
    /// The price has more digits than DECIMAL(38,18) holds.
    case unfitNumber = "unfit-number"
    /// The price is there twice, with two values.
    case duplicateKey = "duplicate-key"
    /// A string holds bytes that are not UTF-8.
    case notUTF8 = "not-utf8"
    /// Arrays inside arrays, deeper than a careful reader goes.
    case nested
    /// Valid, but megabytes long.
    case oversized
}
