internal import Exposition
package import HTTPTransport
internal import Roll

/// Reads summaries directly from kubelets.
package struct KubeletClient: Sendable {
  package struct Settings: Hashable, Sendable {
    package var connectTimeout: Duration = .seconds(3)
    package var maximumBytes = ExpositionLimits.standard.bytes
    package var tls: TLSOptions?
    /// A file with a bearer token, read at each use.
    package var tokenFile: String?
    package var allowsLoopback = false

    package init() {}
  }

  /// The kubelet's read-only port, without TLS and authentication.
  private static let readOnlyPort = 10255

  private let fetcher: ScrapeFetcher
  private let settings: Settings
  private let token: HeadersFile?
  private let port: @Sendable (String) -> Int?

  /// - Parameter port: the port of a node's kubelet, from the node's status.
  package init(transport: HTTPTransport, settings: Settings, port: @escaping @Sendable (_ node: String) -> Int?) {
    fetcher = ScrapeFetcher(transport: transport, reasons: .endpoint)
    self.settings = settings
    self.port = port
    token = settings.tokenFile.map { HeadersFile(path: $0, isToken: true) }
  }

  package func summary(of node: String, address: String?, deadline: Duration) async throws(Miss) -> SummaryResponse {
    guard let address, let host = urlHost(of: address) else {
      throw Miss(.endpointUnreachable, "the node \(node) has no usable address in its status: '\(address ?? "")'")
    }
    let port = port(node) ?? 10250
    // Never sends the token in plain text.
    let isPlain = port == Self.readOnlyPort
    var request = HTTPRequest(url: "\(isPlain ? "http" : "https")://\(host):\(port)/stats/summary", deadline: deadline)
    request.headers = [HTTPHeader("Accept", "application/json")]
    request.connectTimeout = min(settings.connectTimeout, deadline)
    request.maximumBodyBytes = settings.maximumBytes
    request.acceptsCompression = true
    request.addressPolicy = settings.allowsLoopback ? .any : .publicOnly
    if !isPlain {
      request.tls = settings.tls
      if let token { request.headers += try token.headers() }
    }
    let response = try await fetcher.fetch(request)
    return SummaryResponse(body: response.body, date: response.header("Date"))
  }
}
