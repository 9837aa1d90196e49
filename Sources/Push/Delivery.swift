internal import HTTPTransport
internal import Logging
internal import Synchronization

/// Sends requests to the receiver.
struct Delivery: Sendable {
  private let transport: HTTPTransport
  private let settings: PushSettings
  private let headers: PushHeaders

  init(transport: HTTPTransport, settings: PushSettings, headers: @escaping PushHeaders) {
    self.transport = transport
    self.settings = settings
    self.headers = headers
  }

  func send(_ block: PushBlock) async -> DeliveryResult {
    var request = HTTPRequest(method: "POST", url: settings.url, deadline: settings.deadline, tls: settings.tls)
    switch headers() {
    case .success(let own): request.headers = settings.form.headers + own
    case .failure(let error): return .retry(error.reason, after: nil)
    }
    request.body = block.bytes
    request.proxy = settings.proxy
    request.needsOnlyStatus = true
    request.maximumBodyBytes = 64 << 10
    do {
      let response = try await transport.send(request)
      let text = String(decoding: response.body.prefix(200), as: UTF8.self).split(separator: "\n").joined(separator: " ")
      return DeliveryResult(status: response.status, retryAfter: response.header("Retry-After"), body: text)
    } catch {
      switch error {
      // Even a bad request is retried: it means wrong settings, and no sample is lost until they are corrected.
      case .badRequest, .resolve, .connect, .refusedAddress, .tls, .timeout, .tooLarge, .cut, .malformed, .cancelled, .shutDown, .setUp:
        return .retry("\(error)", after: nil)
      }
    }
  }
}

extension PushSettings.Form {
  /// The headers that describe the body.
  fileprivate var headers: [HTTPHeader] {
    switch self {
    case .remoteWrite:
      [
        HTTPHeader("Content-Type", "application/x-protobuf"), HTTPHeader("Content-Encoding", "snappy"),
        HTTPHeader("X-Prometheus-Remote-Write-Version", "0.1.0"),
      ]
    case .openFalcon: [HTTPHeader("Content-Type", "application/json")]
    }
  }
}

/// The result of one request.
enum DeliveryResult: Equatable, Sendable {
  case accepted
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
      case .rejected: .rejecting
      case .retry: .failing
      }
    let changed = last.withLock { last in
      defer { last = kind }
      return last != kind
    }
    guard changed else { return }
    switch result {
    case .accepted: logger.info("push receiver accepts samples", metadata: ["url": "\(url)"])
    case .rejected(let reason):
      logger.error("push receiver rejects samples; dropping them", metadata: ["url": "\(url)", "error": "\(reason)"])
    case .retry(let reason, _):
      logger.warning("cannot push samples; retrying", metadata: ["url": "\(url)", "error": "\(reason)"])
    }
  }
}
