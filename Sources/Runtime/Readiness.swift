import Synchronization

/// What keeps a process from its work, in words, for `/readyz` and whoever watches.
///
/// A part says what hinders it, and says so again when nothing does any more; what hinders is no error of the program,
/// which goes on trying.
public final class Readiness: Sendable {
    private let hindrances = Mutex<[String: [String]]>([:])

    public init() {}

    /// Replaces what the part said before. No reason: nothing hinders it.
    ///
    /// - Parameters:
    ///   - part: such as `flusher/store/pregao.quotes/0`; names it to no one but this.
    ///   - reasons: sentences for a person; credentials in them are left out.
    public func report(_ part: String, _ reasons: [String]) {
        let reasons = reasons.map(\.withoutCredentials)
        hindrances.withLock { $0[part] = reasons.isEmpty ? nil : reasons }
    }

    public func hold(_ part: String, _ reason: String) { report(part, [reason]) }

    public func clear(_ part: String) { report(part, []) }

    /// Forgets every part whose name begins so, as with a partition that another has now.
    public func clear(startingWith prefix: String) {
        hindrances.withLock { hindrances in
            for part in hindrances.keys where part.hasPrefix(prefix) { hindrances[part] = nil }
        }
    }

    /// Everything that hinders, by part.
    public var reasons: [String] {
        hindrances.withLock { $0 }.sorted { $0.key < $1.key }.flatMap(\.value)
    }

    public var isReady: Bool { hindrances.withLock { $0.isEmpty } }
}
