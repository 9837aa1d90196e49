internal import Collector
internal import HTTPTransport
internal import Primitives

/// How a replica that does not lead gets a view from the leader, which alone knows what was collected.
///
/// The client was allowed to see the view by us; the leader asks the API server about our own service account, which may see it as well. Our
/// token goes over a verified connection only.
struct LeaderPages: Sendable {
  /// How the leader's port is reached and verified.
  enum Connection: Sendable {
    case plain
    case tls(TLSOptions)
    /// It cannot be verified.
    case unknown(reason: String)
  }

  /// Names the replica that asks. A request that has it is not passed on again.
  static let header = "Rollcall-Relay"
  /// More than a view has.
  private static let maximumBytes = 2 << 20
  private static let deadline: Duration = .seconds(10)

  let identity: String
  let transport: HTTPTransport
  /// The host and port of the leader; `nil` if it is unknown, or if it is us.
  let address: @Sendable () -> String?
  let connection: @Sendable () -> Connection
  /// `nil` if the port asks for none.
  let token: HeadersFile?

  init(
    identity: String, transport: HTTPTransport, address: @escaping @Sendable () -> String?,
    connection: @escaping @Sendable () -> Connection, token: HeadersFile?
  ) {
    self.identity = identity
    self.transport = transport
    self.address = address
    self.connection = connection
    self.token = token
  }

  enum Answer: Sendable {
    case page(status: Int, html: [UInt8])
    /// Why there is none.
    case problem(String)
  }

  /// - Parameter target: path and query of the request.
  func answer(to target: String) async -> Answer {
    guard let address = address() else { return .problem("Its address is not known.") }
    var request = HTTPRequest(url: "", headers: [HTTPHeader(Self.header, identity)], deadline: Self.deadline)
    request.maximumBodyBytes = Self.maximumBytes
    request.acceptsCompression = true
    request.keepsConnection = false
    switch connection() {
    case .plain:
      guard token == nil else { return .problem("Its port is without TLS, over which no token is sent.") }
      request.url = "http://\(address)\(target)"
    case .tls(let options):
      request.url = "https://\(address)\(target)"
      request.tls = options
    case .unknown(let reason): return .problem(reason)
    }
    do throws(Miss) {
      request.headers += try token?.headers() ?? []
    } catch {
      return .problem(error.detail)
    }
    do throws(HTTPTransportError) {
      let response = try await transport.send(request)
      guard response.header("Content-Type")?.hasPrefix("text/html") == true else {
        let text = String(decoding: response.body.prefix(300), as: UTF8.self)
        return .problem("It answered \(response.status): \(text)")
      }
      return .page(status: response.status, html: response.body)
    } catch {
      return .problem("\(error)")
    }
  }
}
