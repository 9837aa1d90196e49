package import Collector
internal import HTTPTransport

/// How one Windows node is read: as the settings say, and its annotations above them.
package struct WindowsNode: Hashable, Sendable {
  package var endpoint: ExporterEndpoint
  package var source: ControllerSettings.WindowsSource
  /// Annotations that are not accepted, for people; the setting holds instead.
  package var notes: [String] = []

  package init(settings: ControllerSettings, annotations: [String: String]) {
    endpoint = ExporterEndpoint(settings)
    source = settings.windowsSource
    read(annotations)
  }

  private mutating func read(_ annotations: [String: String]) {
    // Most nodes have none, and this is asked at each scrape.
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
      if let port = Int(text), (1...65535).contains(port) {
        endpoint.port = port
      } else {
        notes.append(note(Annotations.windowsPort, "a port from 1 to 65535"))
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
      if let source = ControllerSettings.WindowsSource(rawValue: text) {
        self.source = source
      } else {
        notes.append(note(Annotations.windowsSource, "exporter, summary or auto"))
      }
    }
  }
}

extension ExporterEndpoint {
  package init(_ settings: ControllerSettings) {
    self.init(
      scheme: settings.windows.scheme, port: settings.windows.port, path: settings.windows.path, collectors: settings.windowsCollectors)
  }
}

extension WindowsSettings {
  package init(_ settings: ControllerSettings) {
    self.init()
    endpoint = ExporterEndpoint(settings)
    deadline = settings.deadline
    connectTimeout = min(settings.deadline, .seconds(3))
    tls = TLSOptions(
      certificateAuthorities: settings.windowsCAFile.map { .file($0) },
      clientCertificate: settings.windowsCertificateFile.map { .file($0) },
      clientKey: settings.windowsKeyFile.map { .file($0) }, verification: settings.windowsSkipsVerification ? .none : .full)
    headersFile = settings.windowsHeadersFile
    allowsLoopback = settings.allowsLoopbackTargets
  }
}

/// Whether the text is a path that cannot turn into another part of a URL.
func isURLPath(_ text: String) -> Bool {
  text.hasPrefix("/") && text.utf8.allSatisfy { (0x21...0x7e).contains($0) } && !text.contains("?") && !text.contains("#")
}
