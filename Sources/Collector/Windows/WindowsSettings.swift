package import Exposition
package import HTTPTransport

/// How windows_exporter is read.
package struct WindowsSettings: Hashable, Sendable {
  /// Where it is on nodes that say nothing else. Its collectors are for scrapes; the roll is called with `rollCollectors`.
  package var endpoint = ExporterEndpoint()
  /// What the roll asks for, so that the exporter does not run all it has for us.
  package var rollCollectors = ["container"]
  /// For one call from connecting to the last byte. The exporter hears of it, and keeps half a second of it for itself.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  package var limits = ExpositionLimits.standard
  /// How old a sample with a time of its own may be by the clock of its sender, and a page by the word of a cache on the way.
  package var stalenessLimit: Duration = .seconds(120)
  /// For the scheme `https`; `nil` checks against the system's authorities.
  package var tls: TLSOptions?
  /// A file of headers for every request, one `Name: value` a line; sent over `https` only.
  package var headersFile: String?
  /// Lets loopback and link-local addresses be asked, for tests and the demo.
  package var allowsLoopback = false

  package init() {}
}
