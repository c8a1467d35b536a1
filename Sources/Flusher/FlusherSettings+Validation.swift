import MarketData

/// A setting that cannot be, and why.
public struct FlusherSettingsFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The property's name, and for a dataset's own trigger its place: `triggers.quotes.size`.
    public let setting: String
    public let reason: String

    public var description: String { "\(setting): \(reason)" }
}

extension FlusherSettings {
    /// Every fault, in the order of the properties; none where the settings are valid.
    public func faults(datasets: [Dataset]) -> [FlusherSettingsFault] {
        var found = FaultList()
        found.check(trigger, at: "trigger")
        found.check(runsTrigger, at: "runsTrigger")
        for (name, trigger) in triggers.sorted(by: { $0.key < $1.key }) {
            found.require(datasets.contains { $0.name == name }, "triggers.\(name)", "there is no such dataset")
            found.check(trigger, at: "triggers.\(name)")
        }
        let largest = datasets.map { trigger(of: $0).size }.max() ?? trigger.size
        found.require(memoryLimit >= largest, "memoryLimit", "is below the largest batch size, \(largest) bytes")
        found.require(!group.isEmpty, "group", "is empty")
        found.require(!instance.isEmpty, "instance", "is empty")
        // Beside the letter its message bears the key once more; logs take messages of up to 1 MiB.
        let inline = 0...(256 << 10)
        found.require(inline.contains(deadLetterInlineLimit), "deadLetterInlineLimit", "is not from 0 to 256 KiB")
        found.require(retryPause.first > .zero, "retryPause.first", "is not above 0 s")
        found.require(retryPause.longest >= retryPause.first, "retryPause.longest", "is below the first pause")
        found.require((1...64).contains(encoderThreads), "encoderThreads", "is not from 1 to 64")
        return found.faults
    }
}

private struct FaultList {
    private(set) var faults: [FlusherSettingsFault] = []

    mutating func require(_ holds: Bool, _ setting: String, _ reason: String) {
        if !holds { faults.append(FlusherSettingsFault(setting: setting, reason: reason)) }
    }

    mutating func check(_ trigger: BatchTrigger, at place: String) {
        require(BatchTrigger.sizes.contains(trigger.size), "\(place).size", "is not from 1 to 128 MiB")
        require(BatchTrigger.intervals.contains(trigger.interval), "\(place).interval", "is not from 0 to 900 s")
        require(trigger.messages.map { $0 > 0 } ?? true, "\(place).messages", "is not above 0")
    }
}
