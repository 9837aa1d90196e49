internal import Primitives
package import Roll

/// Scheme, port and path of a target. An EndpointSlice has one list of ports for all of its endpoints, and a ServiceMonitor selects path
/// and scheme by port name: so targets are grouped by scrape endpoint, and the port is named after it.
package struct ScrapeEndpoint: Hashable, Comparable, Sendable {
  package var scheme: String
  package var port: Int
  package var path: String

  package init(scheme: String = "http", port: Int, path: String) {
    self.scheme = scheme
    self.port = port
    self.path = path
  }

  /// The agent's, windows_exporter's and cAdvisor's own ports.
  package static let defaults: [Source: ScrapeEndpoint] = [
    .linux: ScrapeEndpoint(port: 9753, path: "/metrics"),
    .windows: ScrapeEndpoint(port: 9182, path: "/metrics"),
    .virtual: ScrapeEndpoint(port: 8080, path: "/metrics/cadvisor"),
  ]

  /// A DNS label, as required of port names: the parts joined by hyphens, such as `http-8080-metrics-cadvisor`. A path that is too long or
  /// has other characters (hyphens would be ambiguous) is replaced by its hash.
  package var portName: String {
    let isPlain =
      path.first == "/" && path.count < 40 && path.last != "/"
      && path.utf8.allSatisfy { byte in
        byte == UInt8(ascii: "/") || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      }
    let suffix = isPlain ? String(path.dropFirst().map { $0 == "/" ? "-" : $0 }) : "x" + String(fnv1a(path.utf8), radix: 16)
    return "\(scheme)-\(port)-\(suffix)"
  }

  package static func < (left: ScrapeEndpoint, right: ScrapeEndpoint) -> Bool {
    (left.port, left.path, left.scheme) < (right.port, right.path, right.scheme)
  }
}

extension ScrapeEndpoint {
  /// The annotation of an EndpointSlice with its scrape endpoint, since the path cannot be derived from the port name.
  static let annotation = "rollcall.dev/scrape"

  /// A URL without a host: `http://:9753/metrics`.
  var annotationText: String { "\(scheme)://:\(port)\(path)" }

  init?(annotation text: String) {
    guard let colon = text.firstRange(of: "://:") else { return nil }
    let rest = text[colon.upperBound...]
    guard let slash = rest.firstIndex(of: "/"), let port = Int(rest[..<slash]) else { return nil }
    self.init(scheme: String(text[..<colon.lowerBound]), port: port, path: String(rest[slash...]))
  }
}

/// Whether the text is an absolute path without query or fragment, so that it cannot inject other parts into a URL.
func isURLPath(_ text: String) -> Bool {
  text.hasPrefix("/") && text.utf8.allSatisfy { (0x21...0x7e).contains($0) } && !text.contains("?") && !text.contains("#")
}
