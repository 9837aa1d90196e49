internal import HTTPTransport

/// Sends blocks to the receiver.
struct Delivery: Sendable {
  private let transport: HTTPTransport
  private let settings: PushSettings
  private let headers: PushHeaders

  init(transport: HTTPTransport, settings: PushSettings, headers: @escaping PushHeaders) {
    self.transport = transport
    self.settings = settings
    self.headers = headers
  }

  func send(_ block: PushBlock) async -> Verdict {
    var request = HTTPRequest(method: "POST", url: settings.url, deadline: settings.deadline, tls: settings.tls)
    switch headers() {
    case .success(let own): request.headers = settings.form.headers + own
    case .failure(let error): return .again(error.reason, after: nil)
    }
    request.body = block.bytes
    request.maximumBodyBytes = 64 << 10
    do {
      let response = try await transport.send(request)
      let text = String(decoding: response.body.prefix(200), as: UTF8.self).split(separator: "\n").joined(separator: " ")
      return Verdict(status: response.status, retryAfter: response.header("Retry-After"), body: text)
    } catch {
      switch error {
      // The request itself is wrong: the next one will be, too, but nothing is lost while someone mends the settings.
      case .badRequest, .resolve, .connect, .refusedAddress, .tls, .timeout, .tooLarge, .cut, .malformed, .cancelled, .shutDown, .setUp:
        return .again("\(error)", after: nil)
      }
    }
  }
}

extension PushSettings.Form {
  /// What the receiver wants to be told of the body.
  fileprivate var headers: [HTTPHeader] {
    switch self {
    case .remoteWrite:
      [
        HTTPHeader("Content-Type", "application/x-protobuf"), HTTPHeader("Content-Encoding", "snappy"),
        HTTPHeader("X-Prometheus-Remote-Write-Version", "0.1.0"), HTTPHeader("User-Agent", "rollcall"),
      ]
    case .openFalcon:
      [HTTPHeader("Content-Type", "application/json"), HTTPHeader("User-Agent", "rollcall")]
    }
  }
}
