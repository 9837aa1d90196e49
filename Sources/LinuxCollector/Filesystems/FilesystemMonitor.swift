internal import Primitives
package import ProcFS
package import Roll
internal import Synchronization

/// Keeps the file system report of all containers up to date, in the background of the sweeps. It probes all containers once per interval,
/// because usage changes slowly, and new containers with the sweep that finds them.
package final class FilesystemMonitor: Sendable {
  /// The interval at which the kubelet reads volumes (`volumeStatsAggPeriod`).
  package static let defaultInterval: Duration = .seconds(60)

  /// A healthy local file system responds within microseconds, a remote one within milliseconds.
  package static let defaultDeadline: Duration = .seconds(2)

  /// How long a sweep waits for the file systems of new containers. It must not wait for one that hangs.
  private static let maximumWait: Duration = .milliseconds(100)

  /// How long a container without any file system found counts as new. Its cgroup exists before its mounts, and some containers have no
  /// file system worth a series.
  fileprivate static let newDuration: Duration = .seconds(30)

  private let interval: Duration
  private let probe: FilesystemProbe
  private let now: @Sendable () -> Moment
  private let state = Mutex(State())
  private let ended = ThreadSignal()

  fileprivate struct State {
    var report: FilesystemReport?
    var isProbing = false
    /// The start of the last probe of all containers.
    var startedAt: Moment?
    /// The containers of the last sweep, sorted by ID.
    var containers: [ContainerID] = []
    /// Those without any file system found so far, and when they were first seen.
    var new: [ContainerID: Moment] = [:]
  }

  /// - Parameters:
  ///   - interval: between the starts of two probes of all containers.
  ///   - deadline: for the response of one file system.
  ///   - now: a monotonic clock.
  package init(
    procFS: ProcFS, interval: Duration = defaultInterval, deadline: Duration = defaultDeadline, now: @escaping @Sendable () -> Moment
  ) {
    self.interval = interval
    self.now = now
    probe = FilesystemProbe(procFS: procFS, deadline: deadline, now: now)
  }

  /// The latest report, of any age; `nil` before the end of the first probe. Starts a probe of all containers if one is due, otherwise of
  /// the new ones. Waits only for new containers, and at most `maximumWait`.
  package func refresh(_ containers: [LocatedContainer]) -> FilesystemReport? {
    if let (wanted, hasNew) = begin(containers) {
      ended.reset()
      if DetachedThread.start({ self.perform(wanted) }) {
        if hasNew { _ = ended.wait(Self.maximumWait) }
      } else {
        // Retried with the next sweep.
        state.withLock { $0.isProbing = false }
      }
    }
    return state.withLock { $0.report }
  }

  /// Probes all containers now, or after the current probe. Blocks up to the deadline for each file system that hangs.
  package func read(_ containers: [LocatedContainer]) -> FilesystemReport {
    state.withLock { $0.update(containers, at: now()) }
    let report = probe.run(containers)
    state.withLock { $0.merge(report, of: containers) }
    return report
  }

  /// - Returns: the containers to probe, and whether some are new; `nil` if none is due, or a probe is running.
  private func begin(_ containers: [LocatedContainer]) -> (wanted: [LocatedContainer], hasNew: Bool)? {
    let now = now()
    return state.withLock { state in
      state.update(containers, at: now)
      let isDue = state.startedAt.map { now - $0 >= interval } ?? true
      if state.isProbing || !isDue && state.new.isEmpty { return nil }
      state.isProbing = true
      if isDue { state.startedAt = now }
      return (isDue ? containers : containers.filter { state.new[$0.id] != nil }, !state.new.isEmpty)
    }
  }

  private func perform(_ wanted: [LocatedContainer]) {
    let report = probe.run(wanted)
    state.withLock { state in
      state.merge(report, of: wanted)
      state.isProbing = false
      ended.send()
    }
  }
}

extension FilesystemMonitor.State {
  /// Adds containers that started and removes those that ended.
  mutating func update(_ located: [LocatedContainer], at now: Moment) {
    let ids = located.map(\.id)
    if ids != containers {
      for id in Set(ids).subtracting(containers) { new[id] = now }
      for id in Set(containers).subtracting(ids) { new[id] = nil }
      containers = ids
    }
    if !new.isEmpty { new = new.filter { now - $0.value < FilesystemMonitor.newDuration } }
  }

  /// Replaces the probed containers in the report.
  mutating func merge(_ newer: FilesystemReport, of probed: [LocatedContainer]) {
    for container in newer.containers { new[container.id] = nil }
    let probed = Set(probed.map(\.id))
    guard let older = report, !probed.isSuperset(of: containers) else {
      report = newer
      return
    }
    let others = older.containers.filter { !probed.contains($0.id) }
    // `readAt` is that of the oldest part.
    report = FilesystemReport(
      containers: (others + newer.containers).sorted { $0.id < $1.id }, readAt: older.readAt, hung: newer.hung)
  }
}
