import EventLog
import Lake
import MarketData
import Runtime
import Warehouse

/// What is to become of an arrival, once its object was copied or could not be.
enum ArrivalStep: Sendable {
    case register(Announcement)
    /// - Parameter announcement: nil where the message has none that can be believed.
    case refuse(Announcement?, Refusal)
    case hold(reason: String)
}

/// What has become of an arrival.
enum ArrivalOutcome: Sendable {
    case registered
    /// In the ledgers; the letter is to go to the dead letters.
    case refused(DeadLetter)
    /// It may succeed later; its partition waits.
    case held(reason: String)
    /// Something before it in its partition is held.
    case untouched
}

/// Brings a batch's objects into the catalog: the copied ones as registered, the others as refused, each in its turn.
struct Registrar: Sendable {
    let catalog: Catalog
    let raw: any ObjectStore
    let refusals: RefusalLedger
    let figures: ArchiverFigures
    let logger: Logger

    private struct Entry {
        let index: Int
        let arrival: Arrival
        let registration: Registration
    }

    /// - Parameters:
    ///   - batch: each partition's arrivals in ascending order of offset.
    ///   - steps: one for each arrival.
    /// - Returns: an outcome for each arrival.
    func settle(_ batch: [Arrival], _ steps: [ArrivalStep]) async -> [ArrivalOutcome] {
        var outcomes = [ArrivalOutcome](repeating: .untouched, count: batch.count)
        var stopped: Set<TopicPartition> = []
        var ready: [Entry] = []
        for (index, arrival) in batch.enumerated() where !stopped.contains(arrival.partition) {
            switch steps[index] {
            case .register(let announcement):
                let location = raw.location(of: announcement.key)
                let registration = Registration(announcement: announcement, location: location)
                ready.append(Entry(index: index, arrival: arrival, registration: registration))
            case .refuse(let announcement, let refusal):
                // Its range may stand behind those that are ready.
                if announcement != nil {
                    await register(ready, &outcomes)
                    ready = []
                }
                outcomes[index] = await refuse(arrival, announcement, refusal)
                if case .held = outcomes[index] { stopped.insert(arrival.partition) }
            case .hold(let reason):
                outcomes[index] = .held(reason: reason)
                stopped.insert(arrival.partition)
            }
        }
        await register(ready, &outcomes)
        return outcomes
    }

    // MARK: - Registering

    /// Registers as many as can be; after one that the catalog refuses, those behind it are offered again.
    private func register(_ entries: [Entry], _ outcomes: inout [ArrivalOutcome]) async {
        var offered = entries
        while !offered.isEmpty {
            let answers: [RegistrationOutcome]
            do throws(CatalogError) {
                answers = try await catalog.register(offered.map(\.registration))
            } catch {
                for entry in offered { outcomes[entry.index] = .held(reason: "\(error)") }
                return
            }
            Waypoint.archiverRegistered.reached()
            var behind: [Entry] = []
            var hasRefused = false
            for (entry, answer) in zip(offered, answers) {
                let announcement = entry.registration.announcement
                switch answer {
                case .registered:
                    figures.registered(announcement)
                    outcomes[entry.index] = .registered
                case .already: outcomes[entry.index] = .registered
                case .refused(let detail):
                    let refusal = await refusal(of: announcement, detail)
                    outcomes[entry.index] = await refuse(entry.arrival, announcement, refusal)
                    hasRefused = true
                case .ahead(let expected):
                    outcomes[entry.index] = .held(reason: Self.hole(before: announcement, expected))
                    behind.append(entry)
                }
            }
            offered = hasRefused ? behind : []
        }
    }

    private static func hole(before announcement: Announcement, _ expected: Int64) -> String {
        "\(announcement.key) cannot be registered before what starts at offset \(expected) of \(announcement.topic)"
    }

    private func refusal(of announcement: Announcement, _ detail: String) async -> Refusal {
        let range = (announcement.start, announcement.end)
        // Where the ledger cannot be asked, the refusal below fails too and is repeated.
        let overlapped = try? await catalog.objects(of: announcement.ledgerPartition, from: range.0, to: range.1)
        let isOverlapping = (overlapped ?? []).contains {
            $0.status != .refused && $0.announcement.key != announcement.key
        }
        return Refusal(isOverlapping ? .overlap : .notRegistrable, detail)
    }

    // MARK: - Refusing

    private func refuse(_ arrival: Arrival, _ announcement: Announcement?, _ refusal: Refusal) async -> ArrivalOutcome {
        var refusal = refusal
        if let announcement {
            do throws(CatalogError) {
                switch try await catalog.refuse(announcement, reason: "\(refusal)") {
                case .registered, .refused: break
                case .already:
                    if let object = try await registered(announcement) {
                        // An expired one is not to be had again, and is not needed.
                        if !object.isExpired {
                            logger.error(
                                "a registered object cannot be had any more; run 'pregao restore'",
                                ["object": announcement.key, "reason": refusal])
                        }
                        return .registered
                    }
                case .ahead(let expected):
                    guard refusal.reason == .misnamed else {
                        return .held(reason: Self.hole(before: announcement, expected))
                    }
                    refusal = Refusal(.stray, refusal.detail)
                }
            } catch {
                return .held(reason: "\(error)")
            }
        }
        do throws(StoreError) {
            let letter = try await refusals.record(DeadLetter(arrival, refusal))
            logger.error(
                "refused; see 'pregao dead-letters list'",
                ["partition": arrival.partition, "offset": arrival.offset, "reason": refusal])
            return .refused(letter)
        } catch {
            return .held(reason: "\(error)")
        }
    }

    private func registered(_ announcement: Announcement) async throws(CatalogError) -> LedgerObject? {
        try await catalog.objects(withKeys: [announcement.key]).first { $0.status != .refused }
    }
}
