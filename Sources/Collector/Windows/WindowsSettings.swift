package import Exposition
package import HTTPTransport

/// How windows_exporter is read.
package struct WindowsSettings: Hashable, Sendable {
  package var scheme = "http"
  package var port = 9182
  package var path = "/metrics"
  /// What `collect[]` asks for, so that the exporter does not run all it has for us; empty for everything that is enabled.
  package var collectors = ["container"]
  /// For one call from connecting to the last byte. The exporter hears of it, and keeps half a second of it for itself.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  package var limits = ExpositionLimits.standard
  /// For the scheme `https`; `nil` checks against the system's authorities.
  package var tls: TLSOptions?

  package init() {}
}
