/// Where a windows_exporter is found on its node, and what it is asked for.
package struct ExporterEndpoint: Hashable, Sendable {
  /// `http` or `https`.
  package var scheme: String
  package var port: Int
  /// Begins with a slash.
  package var path: String
  /// The collectors to run, as windows_exporter names them; empty for all that are enabled.
  package var collectors: [String]

  package init(scheme: String = "http", port: Int = 9182, path: String = "/metrics", collectors: [String] = []) {
    self.scheme = scheme
    self.port = port
    self.path = path
    self.collectors = collectors
  }

  /// - Parameter host: as it stands in a URL.
  func url(host: String) -> String {
    // Literal brackets would be read as a glob by some clients and refused by others: they are escaped.
    let query = collectors.map { "collect%5B%5D=\($0)" }.joined(separator: "&")
    return "\(scheme)://\(host):\(port)\(path)" + (query.isEmpty ? "" : "?\(query)")
  }

  /// Whether the text is a collector's name: what a user, a node or a request says goes into the exporter's URL.
  package static func isCollector(_ name: some StringProtocol) -> Bool {
    (1...64).contains(name.utf8.count)
      && name.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
      }
  }
}
