import Archiver
import Flusher
import KafkaLog
import MarketData
import Poller

extension ConfigurationReader {
    /// What only shows when the settings are held against each other.
    mutating func checkTogether() {
        for fault in configuration.poller.faults() { report("poller: \(fault)") }
        for fault in configuration.flusher.faults(datasets: Datasets.all) { report("flusher: \(fault)") }
        for fault in configuration.archiver.faults { report("archiver: \(fault)") }
        guard configuration.log.kind == .kafka else {
            if configuration.kafka.epoch != nil { report("log.epoch is set, and log.kind is not kafka") }
            return
        }
        if configuration.kafka.brokers.isEmpty { report("log.kind is kafka, and kafka.brokers is not set") }
        for fault in configuration.kafka.faults { report(fault) }
    }

    private mutating func report(_ message: String) { faults.append(ConfigurationFault(.settings, message)) }
}
