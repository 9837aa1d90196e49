/// The type of a metric family, as its `# TYPE` line says it.
/// Source: Prometheus text exposition format 0.0.4.
package enum MetricType: String, Sendable {
  case counter
  case gauge
  case histogram
  case summary
  case untyped
}

/// Values of the `Content-Type` header.
package enum ExpositionContentType {
  /// What `ExpositionWriter` writes.
  package static let text = "text/plain; version=0.0.4; charset=utf-8"
  /// What a scrape of ours asks for, as an `Accept` header: OpenMetrics is read, and not asked for.
  package static let accepted = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
}
