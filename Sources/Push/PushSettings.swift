package import HTTPTransport

/// Provides additional headers for every request, or fails. Their values are never logged.
package typealias PushHeaders = @Sendable () -> Result<[HTTPHeader], PushHeadersError>

/// Why the headers are unavailable.
package struct PushHeadersError: Error {
  package var reason: String

  package init(_ reason: String) { self.reason = reason }
}

/// Where and how samples are pushed.
package struct PushSettings: Hashable, Sendable {
  /// The receiver's protocol.
  package enum Form: Hashable, Sendable {
    /// Prometheus remote write.
    case remoteWrite
    /// The HTTP interface of an Open-Falcon agent; `step` is the interval between pushes, and of a sample's labels only `tags` are sent.
    case openFalcon(step: Duration, tags: Set<String>)
  }

  package var form = Form.remoteWrite
  /// The version of remote write.
  package var version = RemoteWriteVersion.one
  package var url: String
  /// For `https`, and for an `https` proxy.
  package var tls: TLSOptions?
  /// The URL of a proxy, which may contain a password; nil for a direct connection.
  package var proxy: String?
  /// Added to every series that has no label of that name.
  package var labels: [String: String] = [:]
  /// Concurrent requests. All samples of an owner use the same shard, so that they arrive in order.
  package var shards = 4
  /// A request is sent when it has this many samples…
  package var samplesPerRequest = 2000
  /// …or its first sample has waited for this long.
  package var longestWait: Duration = .seconds(5)
  /// For one request, from connecting to the end of the response.
  package var deadline: Duration = .seconds(30)
  /// Bytes queued in memory, over all shards.
  package var memoryLimit = 8 << 20
  /// Where requests beyond `memoryLimit` are spooled; `nil` drops the oldest instead.
  package var spoolFolder: String?
  /// Bytes spooled on disk, over all shards; beyond it the oldest are dropped.
  package var spoolLimit = 2 << 30
  /// The wait after a failure, doubled from the lower to the upper bound.
  package var backoff: ClosedRange<Duration> = .milliseconds(100) ... .seconds(10)

  package init(url: String) {
    self.url = url
  }
}
