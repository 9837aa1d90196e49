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
