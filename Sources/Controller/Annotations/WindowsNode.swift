package import Collector

/// Where the data of Windows containers comes from.
package enum WindowsSource: String, CaseIterable, Sendable {
  case exporter
  /// The kubelet's /stats/summary.
  case summary
  /// The exporter, or the summary for nodes whose exporter is unreachable.
  case auto
}

/// How one Windows node is read. The node's annotations override the settings.
package struct WindowsNode: Hashable, Sendable {
  package var endpoint: ExporterEndpoint
  package var source: WindowsSource
  /// Notes about invalid annotations; the setting applies instead.
  package var notes: [String] = []

  /// A node without annotations.
  package init(endpoint: ExporterEndpoint = ExporterEndpoint(), source: WindowsSource = .exporter) {
    self.endpoint = endpoint
    self.source = source
  }

  /// - Parameter configured: the settings.
  package init(_ annotations: [String: String], configured: WindowsNode = WindowsNode(), limits: AnnotationLimits) {
    self = configured
    read(annotations, limits)
  }

  private mutating func read(_ annotations: [String: String], _ limits: AnnotationLimits) {
    // Most nodes have none, and this runs on every scrape.
    if annotations.isEmpty { return }
    func note(_ name: String, _ accepted: String) -> String {
      Annotations.refusal("annotation \(name)", annotations[name] ?? "", accepted: accepted)
    }
    if let text = annotations[Annotations.windowsScheme] {
      if ["http", "https"].contains(text) {
        endpoint.scheme = text
      } else {
        notes.append(note(Annotations.windowsScheme, "http or https"))
      }
    }
    if let text = annotations[Annotations.windowsPort] {
      if let port = Int(text), limits.ports.contains(port) {
        endpoint.port = port
      } else {
        notes.append(note(Annotations.windowsPort, Annotations.acceptedPorts))
      }
    }
    if let text = annotations[Annotations.windowsPath] {
      if isURLPath(text) {
        endpoint.path = text
      } else {
        notes.append(note(Annotations.windowsPath, "a path that begins with a slash and has no spaces, ? or #"))
      }
    }
    if let text = annotations[Annotations.windowsCollect] {
      let names = text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
      if names.allSatisfy(ExporterEndpoint.isCollector) {
        endpoint.collectors = names
      } else {
        notes.append(note(Annotations.windowsCollect, "names of collectors with commas between them"))
      }
    }
    if let text = annotations[Annotations.windowsSource] {
      if let source = WindowsSource(rawValue: text) {
        self.source = source
      } else {
        notes.append(note(Annotations.windowsSource, "exporter, summary or auto"))
      }
    }
  }
}
