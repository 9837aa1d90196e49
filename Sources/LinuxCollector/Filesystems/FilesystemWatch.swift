package import ProcFS
package import Roll
internal import Synchronization

/// Looks at the containers' file systems now and then, beside the sweeps: a file system may not answer for ever, and its numbers move
/// slowly.
package final class FilesystemWatch: Sendable {
  /// As often as the kubelet looks at volumes (`volumeStatsAggPeriod`).
  package static let defaultInterval: Duration = .seconds(60)

  /// A healthy file system answers within microseconds, one on the network within milliseconds.
  package static let defaultDeadline: Duration = .seconds(2)

  private let interval: Duration
  private let look: FilesystemLook
  private let now: @Sendable () -> Moment
  private let state = Mutex(State())

  private struct State {
    var report: FilesystemReport?
    var isLooking = false
    var startedAt: Moment?
  }

  /// - Parameters:
  ///   - interval: the time from the start of one look to the next.
  ///   - deadline: how long a file system may take to answer.
  ///   - now: a monotonic clock.
  package init(
    procFS: ProcFS, interval: Duration = defaultInterval, deadline: Duration = defaultDeadline, now: @escaping @Sendable () -> Moment
  ) {
    self.interval = interval
    self.now = now
    look = FilesystemLook(procFS: procFS, deadline: deadline, now: now)
  }

  /// What the last look found, however old; `nil` before the first one is done.
  package var report: FilesystemReport? {
    state.withLock { $0.report }
  }

  /// Starts a look where the last one was long enough ago. It does not wait for it.
  package func refresh(_ containers: [LocatedContainer]) {
    let now = now()
    let isDue = state.withLock { state in
      if state.isLooking { return false }
      if let last = state.startedAt, now - last < interval { return false }
      state.isLooking = true
      state.startedAt = now
      return true
    }
    if !isDue { return }
    let hasStarted = HelperThread.start { _ = self.read(containers) }
    // Tried again with the next sweep: a machine without a thread to spare has other troubles.
    if !hasStarted { state.withLock { $0.isLooking = false } }
  }

  /// One look, now, after the one that runs if one does. For each file system that is found not to answer it waits until the deadline.
  package func read(_ containers: [LocatedContainer]) -> FilesystemReport {
    let report = look.run(containers)
    state.withLock { state in
      state.report = report
      state.isLooking = false
    }
    return report
  }
}
