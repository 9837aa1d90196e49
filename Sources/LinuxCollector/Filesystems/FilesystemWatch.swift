package import ProcFS
package import Roll
internal import Synchronization

/// Looks at the containers' file systems beside the sweeps: at all of them now and then, for their numbers move slowly, and at those of a
/// new container with the sweep that finds it.
package final class FilesystemWatch: Sendable {
  /// As often as the kubelet looks at volumes (`volumeStatsAggPeriod`).
  package static let defaultInterval: Duration = .seconds(60)

  /// A healthy file system answers within microseconds, one on the network within milliseconds.
  package static let defaultDeadline: Duration = .seconds(2)

  /// How long a sweep waits for the file systems of new containers: one that does not answer must not hold it up.
  private static let patience: Duration = .milliseconds(100)

  /// How long a container is new of which nothing is found: it has its cgroup before its mounts, and some have no file systems for us.
  fileprivate static let newness: Duration = .seconds(30)

  private let interval: Duration
  private let look: FilesystemLook
  private let now: @Sendable () -> Moment
  private let state = Mutex(State())
  private let ended = ThreadSignal()

  fileprivate struct State {
    var report: FilesystemReport?
    var isLooking = false
    var startedAt: Moment?
    /// The containers of the last sweep, in the order of their IDs.
    var containers: [ContainerID] = []
    /// Those of them of which nothing was found yet, and since when they are there.
    var new: [ContainerID: Moment] = [:]
  }

  /// - Parameters:
  ///   - interval: the time from the start of one look at everything to the next.
  ///   - deadline: how long a file system may take to answer.
  ///   - now: a monotonic clock.
  package init(
    procFS: ProcFS, interval: Duration = defaultInterval, deadline: Duration = defaultDeadline, now: @escaping @Sendable () -> Moment
  ) {
    self.interval = interval
    self.now = now
    look = FilesystemLook(procFS: procFS, deadline: deadline, now: now)
  }

  /// What is known of the containers, however old; `nil` before the first look is done. Starts a look at all of them where the last one was
  /// long enough ago, else at those that are new; only for these does it wait, and for no more than a moment.
  package func refresh(_ containers: [LocatedContainer]) -> FilesystemReport? {
    if let (wanted, hasNew) = begin(containers) {
      ended.reset()
      if DetachedThread.start({ self.perform(wanted) }) {
        if hasNew { _ = ended.wait(Self.patience) }
      } else {
        // Tried again with the next sweep: a machine without a thread to spare has other troubles.
        state.withLock { $0.isLooking = false }
      }
    }
    return state.withLock { $0.report }
  }

  /// One look at everything, now, after the one that runs if one does. For each file system that is found not to answer it waits until the
  /// deadline.
  package func read(_ containers: [LocatedContainer]) -> FilesystemReport {
    state.withLock { $0.note(containers, at: now()) }
    let report = look.run(containers)
    state.withLock { $0.put(report, of: containers) }
    return report
  }

  /// - Returns: what to look at, and whether some of it is new; `nil` where it is not time.
  private func begin(_ containers: [LocatedContainer]) -> (wanted: [LocatedContainer], hasNew: Bool)? {
    let now = now()
    return state.withLock { state in
      state.note(containers, at: now)
      let isDue = state.startedAt.map { now - $0 >= interval } ?? true
      if state.isLooking || !isDue && state.new.isEmpty { return nil }
      state.isLooking = true
      if isDue { state.startedAt = now }
      return (isDue ? containers : containers.filter { state.new[$0.id] != nil }, !state.new.isEmpty)
    }
  }

  private func perform(_ wanted: [LocatedContainer]) {
    let report = look.run(wanted)
    state.withLock { state in
      state.put(report, of: wanted)
      state.isLooking = false
      ended.send()
    }
  }
}

extension FilesystemWatch.State {
  /// Takes note of the containers that have come, and of those that have gone.
  mutating func note(_ located: [LocatedContainer], at now: Moment) {
    let ids = located.map(\.id)
    if ids != containers {
      for id in Set(ids).subtracting(containers) { new[id] = now }
      for id in Set(containers).subtracting(ids) { new[id] = nil }
      containers = ids
    }
    if !new.isEmpty { new = new.filter { now - $0.value < FilesystemWatch.newness } }
  }

  /// Puts what a look at some containers found in the place of what was known of them.
  mutating func put(_ newer: FilesystemReport, of asked: [LocatedContainer]) {
    for container in newer.containers { new[container.id] = nil }
    let asked = Set(asked.map(\.id))
    guard let older = report, !asked.isSuperset(of: containers) else {
      report = newer
      return
    }
    let others = older.containers.filter { !asked.contains($0.id) }
    // As old as the oldest of it.
    report = FilesystemReport(
      containers: (others + newer.containers).sorted { $0.id < $1.id }, readAt: older.readAt, hung: newer.hung)
  }
}
