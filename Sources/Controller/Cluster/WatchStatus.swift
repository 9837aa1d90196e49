package import KubeClient

/// The watch of one resource.
package struct WatchStatus: Hashable, Sendable {
  package var resource: String
  /// Whether the rolls depend on the resource. Without any other resource they are still right for most clusters.
  package var isRequired: Bool
  /// Whether a complete list was received at any time.
  package var isListed: Bool
  package var status: ReflectorStatus
  /// How long the watch has not been in sync; `nil` while it is.
  package var timeOutOfSync: Duration?
  package var statistics: WatchStatistics

  package init(
    resource: String, isRequired: Bool = true, isListed: Bool, status: ReflectorStatus, timeOutOfSync: Duration? = nil,
    statistics: WatchStatistics
  ) {
    self.resource = resource
    self.isRequired = isRequired
    self.isListed = isListed
    self.status = status
    self.timeOutOfSync = timeOutOfSync
    self.statistics = statistics
  }

  init(_ reflector: Reflector<some Record>, of resource: String, isRequired: Bool = true) {
    self.init(
      resource: resource, isRequired: isRequired, isListed: reflector.store.isSynced, status: reflector.status,
      timeOutOfSync: reflector.timeOutOfSync, statistics: reflector.statistics)
  }

  /// Why the watch is not in sync; `nil` if it is.
  var problem: String? {
    if case .waiting(let reason) = status { reason } else { nil }
  }
}

/// Whether the rolls are current: the watches that they depend on are in sync, or have not been for a short time only, as when the API
/// server restarts.
///
/// `GapWatch` tells the ledger, which then withholds gaps of containers that were not found. A withheld gap opens or ends with the next
/// call after the roll is current, not with the end of the staleness.
struct RollFreshness: Sendable {
  let watches: any StatusSource<[WatchStatus]>
  /// The time out of sync from which rolls are stale: a few intervals, and always less than the threshold, so that the roll is known to be
  /// stale before a container that no longer exists becomes a gap.
  let limit: Duration

  /// The watches that make the rolls stale.
  var staleWatches: [WatchStatus] { watches.status.filter { $0.isRequired && isStale($0) } }

  func isStale(_ watch: WatchStatus) -> Bool { watch.timeOutOfSync.map { $0 >= limit } ?? false }
}
