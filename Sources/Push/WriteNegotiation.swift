internal import HTTPTransport
internal import Logging
internal import Synchronization

/// The version of remote write.
package enum RemoteWriteVersion: String, CaseIterable, Sendable {
  case one = "1.0"
  /// A receiver that does not know it is sent 1.0.
  case two = "2.0"

  /// The headers that describe a request.
  var headers: [HTTPHeader] {
    [
      HTTPHeader("Content-Encoding", "snappy"),
      HTTPHeader("Content-Type", self == .one ? "application/x-protobuf" : "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
      HTTPHeader("X-Prometheus-Remote-Write-Version", self == .one ? "0.1.0" : "2.0.0"),
    ]
  }
}

/// Which version a receiver takes. One for all shards.
final class WriteNegotiation: Sendable {
  private struct State {
    var version: RemoteWriteVersion
    /// Whether the receiver has said how many samples of a request of 2.0 it has written.
    var isConfirmed = false
  }

  private let state: Mutex<State>
  private let logger: Logger
  private let url: String

  init(_ settings: PushSettings, logger: Logger) {
    state = Mutex(State(version: settings.version))
    url = settings.url
    self.logger = logger
  }

  var version: RemoteWriteVersion { state.withLock { $0.version } }

  /// What the response to a request of 2.0 means; `nil` if the receiver does not know 2.0 and has to be sent 1.0, now and in future.
  ///
  /// A receiver of 1.0 that does not look at the Content-Type finds no samples in the request, and accepts it. It is recognised by the header
  /// that it does not send.
  /// Source: https://prometheus.io/docs/specs/prw/remote_write_spec_2_0/#required-written-response-headers
  func result(of response: HTTPResponse, _ body: String, samples: Int) -> DeliveryResult? {
    let written = response.header("X-Prometheus-Remote-Write-Samples-Written").flatMap { Int($0) }
    let status = response.status
    let result = DeliveryResult(status: status, retryAfter: response.header("Retry-After"), body: body)
    guard let written else {
      let isConfirmed = state.withLock { $0.isConfirmed }
      guard result == .accepted || status == 415 || !isConfirmed && [400, 406].contains(status) else { return result }
      fallBack(status: status)
      return nil
    }
    state.withLock { $0.isConfirmed = true }
    switch result {
    case .accepted where written < samples:
      return .partlyAccepted(written: max(written, 0), "status \(status): \(written) of \(samples) samples written")
    case .rejected(let reason) where written > 0: return .partlyAccepted(written: min(written, samples), reason)
    default: return result
    }
  }

  private func fallBack(status: Int) {
    let wasTwo = state.withLock { state in
      defer { state.version = .one }
      return state.version == .two
    }
    guard wasTwo else { return }
    logger.warning(
      "push receiver does not know remote write 2.0; sending 1.0 until the next start",
      metadata: ["url": "\(url)", "status": "\(status)"])
  }
}
