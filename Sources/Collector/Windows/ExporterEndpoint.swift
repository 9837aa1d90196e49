internal import Exposition
internal import HTTPTransport
internal import Roll

/// Makes the requests to windows_exporter, for the roll and for scrapes alike.
struct ExporterRequests: Sendable {
  let settings: WindowsSettings
  private let headersFile: HeadersFile?

  init(_ settings: WindowsSettings) {
    self.settings = settings
    headersFile = settings.headersFile.map { HeadersFile(path: $0) }
  }

  /// - Parameter told: how long the exporter is told that it has; it keeps half a second of that for itself and answers in good order.
  func request(
    node: String, address: String?, endpoint: ExporterEndpoint, deadline: Duration, told: Duration
  ) throws(Miss) -> HTTPRequest {
    guard let address else { throw Miss(.exporterUnreachable, "the node \(node) has no address in its status") }
    guard let host = urlHost(of: address) else {
      throw Miss(.exporterUnreachable, "the address of the node \(node) is neither an IP address nor a DNS name: '\(address)'")
    }
    var request = HTTPRequest.page(
      url: endpoint.url(host: host), deadline: deadline, told: told, connectTimeout: min(settings.connectTimeout, deadline),
      limits: settings.limits)
    request.addressPolicy = settings.allowsLoopback ? .any : .publicOnly
    request.tls = settings.tls
    // No secret goes over the wire in clear.
    if endpoint.scheme == "https", let headersFile { request.headers += try headersFile.headers() }
    return request
  }
}

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
