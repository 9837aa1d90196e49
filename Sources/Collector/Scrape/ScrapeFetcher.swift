internal import Exposition
internal import HTTPTransport
internal import Primitives
internal import Roll

/// Fetches response bodies and maps failures to reasons.
struct ScrapeFetcher {
  let transport: HTTPTransport
  let reasons: FailureReasons

  /// Sends the request and returns the response.
  /// - Throws: if there is no response, or its status is not 200.
  func fetch(_ request: HTTPRequest) async throws(Miss) -> HTTPResponse {
    let response = try await fetchAny(request)
    guard response.status == 200 else { throw unexpected(response, to: request) }
    return response
  }

  /// Sends the request and returns the response with any status.
  func fetchAny(_ request: HTTPRequest) async throws(Miss) -> HTTPResponse {
    do {
      return try await transport.send(request)
    } catch {
      throw Miss(error, reasons: reasons)
    }
  }

  /// The failure of a request whose response does not have the status 200. Nothing of the body is in the detail, which others may read: a
  /// Node's address may be that of any server.
  func unexpected(_ response: HTTPResponse, to request: HTTPRequest) -> Miss {
    Miss(reasons.broken, "GET \(request.url): status \(response.status) instead of 200")
  }

  /// Like `fetch`, but returns after the head and streams the body.
  func open(_ request: HTTPRequest) async throws(Miss) -> HTTPStream {
    let stream: HTTPStream
    do {
      stream = try await transport.open(request)
    } catch {
      throw Miss(error, reasons: reasons)
    }
    guard stream.status == 200 else {
      stream.cancel()
      throw Miss(reasons.broken, "GET \(request.url): status \(stream.status) instead of 200")
    }
    return stream
  }
}

extension HTTPRequest {
  /// A scrape with the headers that Prometheus sends.
  /// - Parameter announced: the timeout announced to the server, by default the deadline.
  static func scrape(
    url: String, deadline: Duration, announced: Duration? = nil, connectTimeout: Duration, limits: ExpositionLimits
  ) -> HTTPRequest {
    var request = HTTPRequest(url: url, deadline: deadline)
    request.headers = [
      HTTPHeader("Accept", ExpositionFormat.requested),
      // With a known timeout, exporters abort slow collectors, report them, and still respond in time.
      HTTPHeader(Scrapers.timeoutHeader, "\((announced ?? deadline).seconds)"),
    ]
    request.connectTimeout = connectTimeout
    request.maximumBodyBytes = limits.bytes
    request.acceptsCompression = true
    return request
  }
}

extension ExpositionFormat {
  /// The format of a response.
  /// - Parameter source: the URL or the name of its sender.
  init(of contentType: String?, from source: String) throws(Miss) {
    guard let format = ExpositionFormat(contentType: contentType) else {
      let actual = contentType.flatMap(mediaType).map { "is \($0)" } ?? (contentType == nil ? "is missing" : "is malformed")
      throw Miss(.badExposition, "\(source): the Content-Type \(actual), not text/plain or application/openmetrics-text")
    }
    self = format
  }
}

/// The reasons for failed transfers with one kind of peer.
struct FailureReasons {
  /// No connection: name resolution, TCP, TLS, or a refused address.
  var unreachable: Reason
  /// Connected, but no complete response in time.
  var timeout: Reason
  /// An incomplete or malformed response.
  var broken: Reason

  static let agent = FailureReasons(unreachable: .agentUnreachable, timeout: .agentTimeout, broken: .unknown)
  static let exporter = FailureReasons(unreachable: .exporterUnreachable, timeout: .exporterTimeout, broken: .badExposition)
  static let endpoint = FailureReasons(unreachable: .endpointUnreachable, timeout: .endpointTimeout, broken: .badExposition)
}

extension Miss {
  /// The detail is the error's description, which names the operation and the URL.
  init(_ error: HTTPTransportError, reasons: FailureReasons) {
    let reason: Reason =
      switch error {
      case .resolve, .connect, .tls, .refusedAddress, .timeout(.connect, _): reasons.unreachable
      // The request waited in our own queue and was never sent.
      case .timeout(.queue, _): .unknown
      case .timeout: reasons.timeout
      case .tooLarge: .tooLarge
      case .cut, .malformed: reasons.broken
      case .badRequest, .cancelled, .shutDown, .setUp: .unknown
      }
    self.init(reason, error.description)
  }

  /// - Parameter source: the URL or the name of the body's sender.
  init(_ error: ExpositionError, from source: String) {
    switch error {
    case .malformed: self.init(.badExposition, "\(source): \(error)")
    case .tooLarge: self.init(.tooLarge, "\(source): \(error)")
    }
  }
}

/// Formats an address as a URL host, with brackets around an IPv6 address. `nil` if it is neither an IP address nor a DNS name. Addresses
/// come from node and pod status and must not be able to change any other part of the URL.
func urlHost(of address: String) -> String? {
  guard isHost(address) else { return nil }
  return address.contains(":") ? "[\(address)]" : address
}

/// The media type of a Content-Type, without its parameters, e.g. `text/html`; `nil` if it is not one.
/// https://www.rfc-editor.org/rfc/rfc6838#section-4.2
private func mediaType(_ contentType: String) -> String? {
  let parts = contentType.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
  let isName = { (part: Substring) in
    part.count <= 64 && !part.isEmpty
      && part.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "+"), UInt8(ascii: "-"): true
        default: false
        }
      }
  }
  return parts.count == 2 && parts.allSatisfy(isName) ? parts.joined(separator: "/") : nil
}

/// The start of an unexpected response of an agent, for a detail. Control characters and line breaks are replaced by spaces.
func excerpt(of body: [UInt8], limit: Int = 160) -> String {
  let text = String(decoding: body.prefix(limit), as: UTF8.self)
  let printable = text.map { $0.isNewline || $0.isWhitespace || ($0.asciiValue ?? 0x20) < 0x20 ? " " : $0 }
  return String(printable) + (body.count > limit ? "…" : "")
}
