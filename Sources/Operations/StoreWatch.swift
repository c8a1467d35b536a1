import Lake
import Runtime

/// A store that did not answer when the process started: the process is not ready until it does.
public struct StoreWatch: Sendable {
    /// Sleeps for the duration, or until the shutdown is requested.
    typealias Sleeper = @Sendable (Duration, Shutdown) async -> Void

    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(30)

    private let setting: String
    private let store: RemoteObjectStore
    private let readiness: Readiness
    private let logger: Logger
    private let sleeper: Sleeper

    /// Says from now on that the store is waited for.
    ///
    /// - Parameters:
    ///   - setting: that says where the store is, as `storage.raw`.
    ///   - error: what it was found by.
    public init(
        setting: String, store: RemoteObjectStore, error: StoreError, readiness: Readiness, logger: Logger
    ) {
        self.init(
            setting: setting, store: store, error: error, readiness: readiness, logger: logger,
            sleeper: { await $1.sleep(for: $0) })
    }

    init(
        setting: String, store: RemoteObjectStore, error: StoreError, readiness: Readiness, logger: Logger,
        sleeper: @escaping Sleeper
    ) {
        self.setting = setting
        self.store = store
        self.readiness = readiness
        self.logger = logger
        self.sleeper = sleeper
        hold(error)
    }

    /// Returns once the store has answered and taken the credentials, or when the shutdown is requested.
    ///
    /// One that answers and refuses is asked again too: the stages wait for it as for one that refuses later.
    public func run(until ended: Shutdown) async {
        var pause = Self.firstPause
        // A cancelled task cannot pause.
        while !ended.isRequested, !Task.isCancelled {
            await sleeper(pause, ended)
            do throws(StoreError) {
                try await store.check()
                readiness.clear(hindrance)
                return logger.info("a store answers now", ["setting": setting])
            } catch {
                hold(error)
                pause = min(pause * 2, Self.longestPause)
            }
        }
    }

    private var hindrance: String { "store/\(setting)" }

    private func hold(_ error: StoreError) {
        let event = error.kind == .misconfigured ? "a store refuses" : "a store does not answer"
        logger.warning("\(event); it is waited for", ["setting": setting, "error": error])
        readiness.hold(hindrance, "\(setting): the store is waited for: \(error)")
    }
}
