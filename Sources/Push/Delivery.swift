internal import HTTPTransport
internal import Logging
internal import Synchronization

/// Sends requests to the receiver.
struct Delivery: Sendable {
  private let transport: HTTPTransport
  private let settings: PushSettings
  private let headers: PushHeaders
  private let negotiation: WriteNegotiation

  init(transport: HTTPTransport, settings: PushSettings, headers: @escaping PushHeaders, negotiation: WriteNegotiation) {
    self.transport = transport
    self.settings = settings
    self.headers = headers
    self.negotiation = negotiation
  }

  /// Sends the block, as a request of remote write 1.0 if the receiver does not know 2.0.
  /// - Returns: the result, and the bytes of the request.
  func send(_ block: PushBlock) async -> (result: DeliveryResult, bytes: Int) {
    guard settings.form == .remoteWrite else { return await sendOnce(block, [HTTPHeader("Content-Type", "application/json")]) }
    guard block.hasSymbols else { return await sendOnce(block, RemoteWriteVersion.one.headers) }
    if negotiation.version == .two {
      switch await post(block, RemoteWriteVersion.two.headers) {
      case .failure(let failure): return (failure.result, block.bytes.count)
      case .success(let response):
        if let result = negotiation.result(of: response, response.excerpt, samples: block.samples) { return (result, block.bytes.count) }
      }
    }
    guard let older = block.withoutSymbols() else { return (.rejected("the request is damaged"), block.bytes.count) }
    return await sendOnce(older, RemoteWriteVersion.one.headers)
  }

  private func sendOnce(_ block: PushBlock, _ form: [HTTPHeader]) async -> (result: DeliveryResult, bytes: Int) {
    switch await post(block, form) {
    case .failure(let failure): return (failure.result, block.bytes.count)
    case .success(let response):
      let retryAfter = response.header("Retry-After")
      return (DeliveryResult(status: response.status, retryAfter: retryAfter, body: response.excerpt), block.bytes.count)
    }
  }

  private struct NoResponse: Error {
    var result: DeliveryResult
  }

  private func post(_ block: PushBlock, _ form: [HTTPHeader]) async -> Result<HTTPResponse, NoResponse> {
    var request = HTTPRequest(method: "POST", url: settings.url, deadline: settings.deadline, tls: settings.tls)
    switch headers() {
    case .success(let own): request.headers = form + own
    case .failure(let error): return .failure(NoResponse(result: .retry(error.reason, after: nil)))
    }
    request.body = block.bytes
    request.proxy = settings.proxy
    request.needsOnlyStatus = true
    request.maximumBodyBytes = 64 << 10
    do {
      return .success(try await transport.send(request))
    } catch {
      switch error {
      // Even a bad request is retried: it means wrong settings, and no sample is lost until they are corrected.
      case .badRequest, .resolve, .connect, .refusedAddress, .tls, .timeout, .tooLarge, .cut, .malformed, .cancelled, .shutDown, .setUp:
        return .failure(NoResponse(result: .retry("\(error)", after: nil)))
      }
    }
  }
}

extension HTTPResponse {
  /// The beginning of the body in one line.
  fileprivate var excerpt: String {
    String(decoding: body.prefix(200), as: UTF8.self).split(separator: "\n").joined(separator: " ")
  }
}

/// The result of one request.
enum DeliveryResult: Equatable, Sendable {
  case accepted
  /// The receiver has written only so many samples, and will not write the others.
  case partlyAccepted(written: Int, String)
  /// Must not be retried.
  case rejected(String)
  /// May be retried, not before the receiver's `Retry-After`.
  case retry(String, after: Duration?)

  /// The rules of remote write: 5xx and 429 are retried, all other statuses but 2xx are not. Nor is 408 a verdict on the samples: a proxy
  /// sends it when the request took too long to arrive (RFC 9110, section 15.5.9).
  ///
  /// Source: https://prometheus.io/docs/specs/prw/remote_write_spec/#retries-backoff
  init(status: Int, retryAfter: String?, body: String) {
    switch status {
    case 200..<300: self = .accepted
    case 408, 429, 500..<600: self = .retry("status \(status): \(body)", after: retryAfter.flatMap(Self.delay))
    default: self = .rejected("status \(status): \(body)")
    }
  }

  /// At most an hour, so that a receiver's mistake does not stop pushing.
  private static func delay(_ header: String) -> Duration? {
    RetryAfter.delay(header, now: unixMilliseconds() / 1000).map { min($0, .seconds(3600)) }
  }
}

/// Logs when the receiver stops accepting requests and when it accepts them again, and once why samples are not sent to it.
final class Reachability: Sendable {
  private enum Kind { case accepting, rejecting, failing }

  private let last = Mutex<Kind?>(nil)
  private let loggedReasons = Mutex<Set<UnstorableSamples.Reason>>([])
  private let logger: Logger
  private let url: String

  init(logger: Logger, url: String) {
    self.logger = logger
    self.url = url
  }

  func record(_ samples: UnstorableSamples) {
    for (reason, metric) in samples.examples where loggedReasons.withLock({ $0.insert(reason).inserted }) {
      logger.warning(
        "samples that the receiver cannot store are not pushed",
        metadata: ["url": "\(url)", "reason": "\(reason.rawValue)", "metric": "\(metric)"])
    }
  }

  func record(_ result: DeliveryResult) {
    let kind: Kind =
      switch result {
      case .accepted: .accepting
      case .rejected, .partlyAccepted: .rejecting
      case .retry: .failing
      }
    let changed = last.withLock { last in
      defer { last = kind }
      return last != kind
    }
    guard changed else { return }
    switch result {
    case .accepted: logger.info("push receiver accepts samples", metadata: ["url": "\(url)"])
    case .rejected(let reason), .partlyAccepted(_, let reason):
      logger.error("push receiver rejects samples; dropping them", metadata: ["url": "\(url)", "error": "\(reason)"])
    case .retry(let reason, _):
      logger.warning("cannot push samples; retrying", metadata: ["url": "\(url)", "error": "\(reason)"])
    }
  }
}
