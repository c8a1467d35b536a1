import MarketData
import Testing

@testable import Flusher

@Suite("Flusher settings")
struct FlusherSettingsTests {
    @Test("The defaults are valid for every dataset")
    func defaultsAreValid() {
        #expect(FlusherSettings(instance: "a").faults(datasets: Datasets.all).isEmpty)
    }

    @Test("A dataset filled by runs has short batches unless it has a trigger of its own")
    func runsAreShort() {
        var settings = FlusherSettings(instance: "a")
        #expect(settings.trigger(of: Datasets.quotes).interval == .seconds(60))
        #expect(settings.trigger(of: Datasets.bars).interval == .seconds(5))
        settings.triggers["bars"] = BatchTrigger(interval: .seconds(900))
        #expect(settings.trigger(of: Datasets.bars).interval == .seconds(900))
    }

    @Test("Every fault is told, each with its setting")
    func everyFaultIsTold() {
        let settings = FlusherSettings(
            instance: "", trigger: BatchTrigger(size: 1), runsTrigger: BatchTrigger(interval: .seconds(901)),
            triggers: [
                "nonsense": BatchTrigger(), "quotes": BatchTrigger(size: 129 << 20, messages: 0),
                "bars": BatchTrigger(interval: .seconds(-1)),
            ],
            memoryLimit: 1, group: "", deadLetterInlineLimit: -1,
            retryPause: RetryPause(first: .zero, longest: .seconds(-1)), encoderThreads: 0)
        #expect(
            settings.faults(datasets: Datasets.all).map(\.setting) == [
                "trigger.size", "runsTrigger.interval", "triggers.bars.interval", "triggers.nonsense",
                "triggers.quotes.size", "triggers.quotes.messages", "memoryLimit", "group", "instance",
                "deadLetterInlineLimit", "retryPause.first", "retryPause.longest", "encoderThreads",
            ])
    }

    @Test(
        "Firehose's limits are inside the range, and what is beyond them is not",
        arguments: [
            (BatchTrigger(size: 1 << 20, interval: .zero, messages: 1), true),
            (BatchTrigger(size: 128 << 20, interval: .seconds(900)), true),
            (BatchTrigger(size: 1 << 20 - 1), false),
            (BatchTrigger(size: 128 << 20 + 1), false),
            (BatchTrigger(interval: .seconds(900) + .nanoseconds(1)), false),
        ])
    func rangesAreFirehose(trigger: BatchTrigger, isValid: Bool) {
        let settings = FlusherSettings(instance: "a", trigger: trigger, memoryLimit: 256 << 20)
        #expect(settings.faults(datasets: Datasets.all).isEmpty == isValid)
    }

    @Test(
        "Pauses double up to the longest, and jitter takes off up to half",
        arguments: [(1, 0.0, 200), (2, 0.0, 400), (3, 1.0, 400), (9, 0.0, 30_000), (.max, 1.0, 15_000)])
    func pausesGrow(attempt: Int, jitter: Double, milliseconds: Int) {
        let pause = RetryPause().duration(afterAttempt: attempt, jitter: jitter)
        #expect(pause == .milliseconds(milliseconds))
    }
}
