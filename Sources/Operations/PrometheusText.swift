import Runtime

/// Figures in Prometheus' text format 0.0.4: a family under its HELP and TYPE, a line a sample.
public struct PrometheusText: Sendable {
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    public let text: String

    public init(_ figures: [(series: Metrics.Series, figure: Metrics.Figure)]) {
        var text = ""
        // Prometheus wants the samples of a family together.
        let families = Dictionary(grouping: figures, by: \.series.name).sorted { $0.key < $1.key }
        for (name, samples) in families {
            if let declaration = MetricDeclaration.byName[name] {
                text += "# HELP \(name) \(Self.escaped(help: declaration.help))\n"
            }
            if let first = samples.first { text += "# TYPE \(name) \(Self.kind(of: first.figure).rawValue)\n" }
            for (series, figure) in samples.sorted(by: { $0.series < $1.series }) {
                text += Self.lines(series, figure)
            }
        }
        self.text = text
    }

    private static func kind(of figure: Metrics.Figure) -> MetricDeclaration.Kind {
        switch figure {
        case .counter: .counter
        case .gauge: .gauge
        case .histogram: .histogram
        }
    }

    private static func lines(_ series: Metrics.Series, _ figure: Metrics.Figure) -> String {
        let labels = series.labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        switch figure {
        case .counter(let value), .gauge(let value): return line(series.name, labels, number(value))
        case .histogram(let histogram):
            var lines = ""
            var below: UInt64 = 0
            for (index, count) in histogram.counts.enumerated() {
                below += count
                let bound = index < histogram.bounds.count ? number(histogram.bounds[index]) : "+Inf"
                lines += line(series.name + "_bucket", labels + [("le", bound)], "\(below)")
            }
            lines += line(series.name + "_sum", labels, number(histogram.sum))
            return lines + line(series.name + "_count", labels, "\(below)")
        }
    }

    private static func line(_ name: String, _ labels: [(String, String)], _ value: String) -> String {
        guard !labels.isEmpty else { return "\(name) \(value)\n" }
        let pairs = labels.map { "\($0)=\"\(escaped(label: $1))\"" }.joined(separator: ",")
        return "\(name){\(pairs)} \(value)\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        // Whole ones up to 2^53 without a fraction, as counts are written.
        if value == value.rounded(), abs(value) < 0x1p53 { return "\(Int64(value))" }
        return "\(value)"
    }

    private static func escaped(label text: String) -> String {
        escaped(help: text).replacing("\"", with: "\\\"")
    }

    private static func escaped(help text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }
}
