internal import Exposition
internal import HTTPTransport
internal import Roll

/// The address of windows_exporter on a node, and the collectors to request.
package struct ExporterEndpoint: Hashable, Sendable {
  /// `http` or `https`.
  package var scheme: String
  package var port: Int
  /// With a leading slash.
  package var path: String
  /// The names of the collectors to run. Empty for all that are enabled.
  package var collectors: [String]

  package init(scheme: String = "http", port: Int = 9182, path: String = "/metrics", collectors: [String] = []) {
    self.scheme = scheme
    self.port = port
    self.path = path
    self.collectors = collectors
  }

  /// - Parameter host: in the form of a URL, see `urlHost`.
  func url(host: String) -> String {
    // `collect[]`, escaped: some clients treat literal brackets as a glob, others reject them.
    let query = collectors.map { "collect%5B%5D=\($0)" }.joined(separator: "&")
    return "\(scheme)://\(host):\(port)\(path)" + (query.isEmpty ? "" : "?\(query)")
  }

  /// Whether the text is a valid collector name. Names from users, nodes and requests become part of the exporter's URL.
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

/// Creates requests to windows_exporter, for roll calls and relayed scrapes.
struct ExporterRequests: Sendable {
  let settings: WindowsSettings
  private let headersFile: HeadersFile?

  init(_ settings: WindowsSettings) {
    self.settings = settings
    headersFile = settings.headersFile.map { HeadersFile(path: $0) }
  }

  /// - Parameter announced: the timeout announced to the exporter. It reserves half a second of that to respond in time.
  func request(
    node: String, address: String?, endpoint: ExporterEndpoint, deadline: Duration, announced: Duration
  ) throws(Miss) -> HTTPRequest {
    guard let address else { throw Miss(.exporterUnreachable, "the node \(node) has no usable address in its status") }
    guard let host = urlHost(of: address) else {
      throw Miss(.exporterUnreachable, "the address of the node \(node) is neither an IP address nor a DNS name: '\(address)'")
    }
    var request = HTTPRequest.scrape(
      url: endpoint.url(host: host), deadline: deadline, announced: announced, connectTimeout: min(settings.connectTimeout, deadline),
      limits: settings.limits)
    request.addressPolicy = settings.allowsLoopback ? .any : .publicOnly
    request.tls = settings.tls
    // Never sends secrets in plain text.
    if endpoint.scheme == "https", let headersFile { request.headers += try headersFile.headers() }
    return request
  }
}
