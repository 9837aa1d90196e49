package import HTTPTransport

/// What is sent with every request beside what the form asks for, or why that cannot be had. Values are never shown.
package typealias PushHeaders = @Sendable () -> Result<[HTTPHeader], PushHeadersError>

/// Why there are no headers to be sent.
package struct PushHeadersError: Error {
  package var reason: String

  package init(_ reason: String) { self.reason = reason }
}

/// Where samples are pushed, and how.
package struct PushSettings: Hashable, Sendable {
  /// What the receiver understands.
  package enum Form: Hashable, Sendable {
    /// Prometheus remote write 1.0.
    case remoteWrite
    /// The HTTP interface of an Open-Falcon agent; `step` is the pace of the pushes.
    case openFalcon(step: Duration)
  }

  package var form = Form.remoteWrite
  package var url: String
  /// For `https`.
  package var tls: TLSOptions?
  /// Given to every series that has no label of that name.
  package var labels: [String: String] = [:]
  /// Requests under way at once. All samples of one owner go through one of them, so that they arrive in order.
  package var shards = 4
  /// A request is sent when it has this many samples…
  package var samplesPerRequest = 2000
  /// …or its first sample has waited for this long.
  package var longestWait: Duration = .seconds(5)
  /// For one request from connecting to the answer.
  package var deadline: Duration = .seconds(30)
  /// Bytes that may wait in memory, over all shards.
  package var memoryLimit = 8 << 20
  /// A folder for what memory has no room for; `nil` drops the oldest instead.
  package var spoolFolder: String?
  /// Bytes that may wait on disk, over all shards; past it the oldest go.
  package var spoolLimit = 2 << 30
  /// The waits after failures, doubling from the first to the last.
  package var backoff: ClosedRange<Duration> = .milliseconds(100) ... .seconds(10)

  package init(url: String) {
    self.url = url
  }
}
