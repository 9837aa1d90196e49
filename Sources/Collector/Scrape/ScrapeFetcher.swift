internal import Exposition
internal import HTTPTransport
internal import Roll

/// Fetches pages of metrics, and puts what goes wrong under our reasons.
struct ScrapeFetcher {
  let transport: HTTPTransport
  let reasons: FailureReasons

  /// The answer to the request, if its status is 200.
  func fetch(_ request: HTTPRequest) async throws(Miss) -> HTTPResponse {
    let response: HTTPResponse
    do {
      response = try await transport.send(request)
    } catch {
      throw Miss(error, reasons: reasons)
    }
    guard response.status == 200 else {
      throw Miss(reasons.broken, "GET \(request.url): status \(response.status) instead of 200: \(excerpt(of: response.body))")
    }
    return response
  }

  /// The same, as soon as its head is there; the body is still to come.
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
  /// A scrape as Prometheus would do it.
  /// - Parameter told: how long the peer is told that it has, where that is not the deadline.
  static func page(
    url: String, deadline: Duration, told: Duration? = nil, connectTimeout: Duration, limits: ExpositionLimits
  ) -> HTTPRequest {
    var request = HTTPRequest(url: url, deadline: deadline)
    request.headers = [
      HTTPHeader("Accept", ExpositionContentType.accepted),
      // Exporters give up in good order, and say which of their parts was too slow, if they know how long we wait.
      HTTPHeader("X-Prometheus-Scrape-Timeout-Seconds", "\((told ?? deadline).seconds)"),
    ]
    request.connectTimeout = connectTimeout
    request.maximumBodyBytes = limits.bytes
    request.acceptsCompression = true
    return request
  }
}

extension Miss {
  init(_ error: ExpositionError, page url: String) {
    switch error {
    case .malformed: self.init(.badExposition, "\(url): \(error)")
    case .tooLarge: self.init(.tooLarge, "\(url): \(error)")
    }
  }
}

/// Which reasons of ours the failures of one kind of peer are counted under.
struct FailureReasons {
  /// No connection came about: name, TCP, TLS, or an address that we refuse.
  var unreachable: Reason
  /// Connected, and not answered in time.
  var timeout: Reason
  /// What came is not a whole answer.
  var broken: Reason

  static let agent = FailureReasons(unreachable: .agentUnreachable, timeout: .agentTimeout, broken: .unknown)
  static let exporter = FailureReasons(unreachable: .exporterUnreachable, timeout: .exporterTimeout, broken: .badExposition)
  static let endpoint = FailureReasons(unreachable: .endpointUnreachable, timeout: .endpointTimeout, broken: .badExposition)
}

extension Miss {
  /// The error's description says what was tried, on which URL.
  init(_ error: HTTPTransportError, reasons: FailureReasons) {
    let reason: Reason =
      switch error {
      case .resolve, .connect, .tls, .refusedAddress, .timeout(.connect, _): reasons.unreachable
      // The wait was in our own queue: the peer was never asked.
      case .timeout(.queue, _): .unknown
      case .timeout: reasons.timeout
      case .tooLarge: .tooLarge
      case .cut, .malformed: reasons.broken
      case .badRequest, .cancelled, .shutDown, .setUp: .unknown
      }
    self.init(reason, error.description)
  }
}
