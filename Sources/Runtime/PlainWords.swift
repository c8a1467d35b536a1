import Foundation

extension Duration {
    /// As a person writes it: `250ms`, `1s`, `5m`, `24h`, `7d`; in the largest unit of which it is a whole number, and
    /// to the millisecond.
    public var plainWords: String {
        let (seconds, attoseconds) = components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        let units: [(Int64, String)] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
        for (size, suffix) in units where milliseconds != 0 && milliseconds % size == 0 {
            return "\(milliseconds / size)\(suffix)"
        }
        return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
    }
}

/// What an error says to a person. Foundation wraps the system's own words ("Not a directory") in errors that only bear
/// a number, so that they are looked for inside.
public func plainWords(of error: any Error) -> String {
    guard error is CocoaError || error is POSIXError else { return "\(error)" }
    var inner = error
    while let next = (inner as? CocoaError)?.userInfo[NSUnderlyingErrorKey] as? any Error { inner = next }
    guard let system = inner as? POSIXError else { return error.localizedDescription }
    return String(cString: strerror(Int32(system.code.rawValue)))
}
