internal import Exposition
package import Roll
internal import Synchronization

/// What windows_exporter says about itself on one page.
package struct ExporterHealth: Hashable, Sendable {
  /// One collector, as `windows_exporter_collector_…{collector}` has it. What a page does not say is `nil`.
  package struct Collector: Hashable, Sendable {
    package var succeeded: Bool?
    package var timedOut: Bool?

    package init(succeeded: Bool? = nil, timedOut: Bool? = nil) {
      self.succeeded = succeeded
      self.timedOut = timedOut
    }
  }

  /// Of `windows_exporter_build_info`; `nil` where the page has none.
  package var version: String?
  /// By name.
  package var collectors: [String: Collector] = [:]

  package init() {}

  /// - Returns: whether the sample was about the exporter itself.
  mutating func read(_ sample: borrowing ScannedSample, in text: Span<UInt8>) -> Bool {
    guard sample.nameHasPrefix("windows_exporter_", in: text) else { return false }
    if sample.hasName("windows_exporter_build_info", in: text) {
      version = sample.label("version", in: text)?.text(in: text)
    } else if sample.hasName("windows_exporter_collector_success", in: text), let name = sample.label("collector", in: text) {
      collectors[name.text(in: text), default: Collector()].succeeded = sample.value != 0
    } else if sample.hasName("windows_exporter_collector_timeout", in: text), let name = sample.label("collector", in: text) {
      collectors[name.text(in: text), default: Collector()].timedOut = sample.value != 0
    }
    return true
  }
}

/// The outcome of the last call of one node's exporter.
package struct ExporterStatus: Hashable, Sendable {
  /// Why the last call got no page; `nil` if it got one.
  package var failure: Reason?
  /// From the first byte of the request to the last of the answer, or to the failure.
  package var duration: Duration
  /// Of the newest page: what a failed call leaves as it was.
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

  func note(_ node: String, failure: Reason?, duration: Duration, health: ExporterHealth?) {
    statuses.withLock { statuses in
      let known = statuses[node]?.health
      statuses[node] = ExporterStatus(failure: failure, duration: duration, health: health ?? known)
    }
  }
}
