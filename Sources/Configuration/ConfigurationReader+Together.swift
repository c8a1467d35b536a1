import Archiver
import Flusher
import MarketData
import Poller

extension ConfigurationReader {
    /// What only shows when the settings are held against each other.
    mutating func checkTogether() {
        for fault in configuration.poller.faults() { report("poller: \(fault)") }
        for fault in configuration.flusher.faults(datasets: Datasets.all) { report("flusher: \(fault)") }
        for fault in configuration.archiver.faults { report("archiver: \(fault)") }
    }

    private mutating func report(_ message: String) { faults.append(ConfigurationFault(.settings, message)) }
}
