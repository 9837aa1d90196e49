package import Roll
internal import Synchronization

/// The exporter's own status in a response of windows_exporter. Missing values are `nil`.
package struct ExporterHealth: Hashable, Sendable {
  /// A collector's status: `windows_exporter_collector_success` and `windows_exporter_collector_timeout`.
  package struct Collector: Hashable, Sendable {
    package var succeeded: Bool?
    package var timedOut: Bool?

    package init(succeeded: Bool? = nil, timedOut: Bool? = nil) {
      self.succeeded = succeeded
      self.timedOut = timedOut
    }
  }

  /// From `windows_exporter_build_info`.
  package var version: String?
  /// By name.
  package var collectors: [String: Collector] = [:]

  package init() {}
}

/// The result of the last call to a node's exporter.
package struct ExporterStatus: Hashable, Sendable {
  /// `nil` if the call succeeded.
  package var failure: Reason?
  /// From the first byte of the request to the last byte of the response, or to the failure.
  package var duration: Duration
  /// From the last successful call.
  package var health: ExporterHealth?

  package init(failure: Reason?, duration: Duration, health: ExporterHealth?) {
    self.failure = failure
    self.duration = duration
    self.health = health
  }
}

/// The status of every exporter, by node.
package final class ExporterStatusStore: Sendable {
  private let statuses = Mutex<[String: ExporterStatus]>([:])

  package init() {}

  /// By node.
  package func snapshot() -> [String: ExporterStatus] {
    statuses.withLock { $0 }
  }

  package func status(of node: String) -> ExporterStatus? {
    statuses.withLock { $0[node] }
  }

  package func forget(node: String) {
    statuses.withLock { _ = $0.removeValue(forKey: node) }
  }

  /// Records a call. If it failed, the known health is kept.
  func record(_ node: String, failure: Reason?, duration: Duration, health: ExporterHealth?) {
    statuses.withLock { statuses in
      let known = statuses[node]?.health
      statuses[node] = ExporterStatus(failure: failure, duration: duration, health: health ?? known)
    }
  }
}
