import Foundation
import Operations
import Runtime
import Testing

@Suite("Prometheus' text")
struct PrometheusTextTests {
    @Test("A family stands under its help and type, its samples together, labels in order")
    func families() {
        let metrics = Metrics()
        metrics.add(2, to: "pregao_flusher_rows_total", ["topic": "b"])
        metrics.set("pregao_batch_backlog", to: 0.25)
        metrics.add(1, to: "pregao_flusher_rows_total", ["topic": "a"])
        metrics.set("pregao_flusher_paused", ["topic": "t", "partition": "3"], to: 1)
        #expect(
            PrometheusText(metrics.snapshot()).text == """
                # HELP pregao_batch_backlog Days of models that have changed and are not published.
                # TYPE pregao_batch_backlog gauge
                pregao_batch_backlog 0.25
                # HELP pregao_flusher_paused 1 while the partition is not read.
                # TYPE pregao_flusher_paused gauge
                pregao_flusher_paused{partition="3",topic="t"} 1
                # HELP pregao_flusher_rows_total Rows announced.
                # TYPE pregao_flusher_rows_total counter
                pregao_flusher_rows_total{topic="a"} 1
                pregao_flusher_rows_total{topic="b"} 2

                """)
    }

    @Test("A histogram's buckets count what lies at or below their bounds")
    func histogram() throws {
        let metrics = Metrics()
        for value in [0.0005, 0.001, 0.3, 100] {
            metrics.observe(value, in: "pregao_poller_lateness_seconds", ["feed": "f"])
        }
        let lines = PrometheusText(metrics.snapshot()).text.split(separator: "\n").map(String.init)
        #expect(lines.contains(#"pregao_poller_lateness_seconds_bucket{feed="f",le="0.001"} 2"#))
        #expect(lines.contains(#"pregao_poller_lateness_seconds_bucket{feed="f",le="0.25"} 2"#))
        #expect(lines.contains(#"pregao_poller_lateness_seconds_bucket{feed="f",le="0.5"} 3"#))
        #expect(lines.contains(#"pregao_poller_lateness_seconds_bucket{feed="f",le="60"} 3"#))
        #expect(lines.contains(#"pregao_poller_lateness_seconds_bucket{feed="f",le="+Inf"} 4"#))
        #expect(lines.contains(#"pregao_poller_lateness_seconds_count{feed="f"} 4"#))
        #expect(lines.contains { $0.hasPrefix(#"pregao_poller_lateness_seconds_sum{feed="f"} 100.3015"#) })
    }

    @Test("Gauges of a partition that went are shown no more")
    func forgotten() {
        let metrics = Metrics()
        for partition in ["0", "1"] { metrics.set("pregao_flusher_paused", ["partition": partition], to: 1) }
        metrics.forget(["pregao_flusher_paused", "pregao_flusher_lag_seconds"], ["partition": "0"])
        let text = PrometheusText(metrics.snapshot()).text
        #expect(!text.contains(#"partition="0""#) && text.contains(#"partition="1""#))
    }

    @Test(
        "Odd values are written as Prometheus reads them",
        arguments: [
            (Double.nan, "NaN"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (0, "0"), (-3, "-3"),
            (1e15, "1000000000000000"),
            (1e300, "1e+300"), (0.1, "0.1"),
        ])
    func values(value: Double, text: String) {
        let metrics = Metrics()
        metrics.set("odd", to: value)
        #expect(PrometheusText(metrics.snapshot()).text == "# TYPE odd gauge\nodd \(text)\n")
    }

    @Test("A label holds any text")
    func labels() {
        let metrics = Metrics()
        metrics.set("odd", ["a": "\"\\\n}{,="], to: 1)
        #expect(PrometheusText(metrics.snapshot()).text.hasSuffix("odd{a=\"\\\"\\\\\\n}{,=\"} 1\n"))
    }
}
