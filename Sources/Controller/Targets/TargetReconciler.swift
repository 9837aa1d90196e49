internal import JSON
package import KubeClient
package import Logging
package import Roll
internal import Synchronization

/// Reconciles the Services, EndpointSlices and ServiceMonitors that publish the targets of each source. The key is the source.
///
/// Reads the live objects, computes the desired ones and writes the difference. Live objects are remembered until a watch reports a change
/// by others, or for a while. Deletes only objects with Rollcall's labels, and writes nothing before a snapshot of the targets exists
/// (R36).
package final class TargetReconciler: Reconciler {
  private let objects: TargetObjects
  private let settings: TargetSettings
  private let patience: Duration
  private let time: any TimeSource
  private let snapshot: @Sendable () -> [Target]?
  private let logger: Logger
  private let watches: TargetWatches
  private let memory = Mutex<[Source: TargetMemory]>([:])

  /// - Parameters:
  ///   - patience: the time after which objects are read again, and conflicts and missing kinds are retried. A write that others undo
  ///     within this time has failed.
  ///   - isLeading: called before every write.
  ///   - snapshot: returns the current targets of every source, or `nil` until the caches have synced. The targets are kept if a watch
  ///     fails later.
  package init(
    client: KubeClient, settings: TargetSettings, patience: Duration = .seconds(300), time: any TimeSource, logger: Logger,
    isLeading: @escaping @Sendable () -> Bool, snapshot: @escaping @Sendable () -> [Target]?
  ) {
    self.objects = TargetObjects(client: client, namespace: settings.namespace, isLeading: isLeading)
    self.settings = settings
    self.patience = patience
    self.time = time
    self.snapshot = snapshot
    self.logger = logger
    watches = TargetWatches(client: client, namespace: settings.namespace, logger: logger)
  }

  /// Watches the objects until the task is cancelled.
  /// - Parameter didChange: called when a source should be reconciled.
  func watch(didChange: @escaping @Sendable () -> Void) async {
    await watches.run(didChange: didChange)
  }

  package func end() {
    memory.withLock { memory in
      for source in memory.keys { memory[source]?.forget() }
    }
  }

  /// - Throws: `KubeError` if the live objects cannot be read or the server fails, `ReconcileError` if some writes failed.
  package func reconcile(_ source: Source) async throws -> ReconcileOutcome {
    // The loop reconciles one source at a time, so only this copy changes.
    var memory = self.memory.withLock { $0[source] } ?? TargetMemory()
    defer { self.memory.withLock { [memory] in $0[source] = memory } }

    if watches.haveChanged(source, since: memory.objects) { memory.expire() }
    if memory.needsReading(patience: patience, at: time.now) {
      guard snapshot() != nil else { return .again(after: .seconds(1)) }
      let live = try await objects.read(source)
      if case .success = live.serviceMonitors { watches.serviceMonitorsExist() }
      memory.read(live, patience: patience, at: time.now)
    }
    // Taken after reading, so it is never older than the objects it is compared with.
    guard let targets = snapshot()?.filter({ $0.source == source }) else { return .again(after: .seconds(1)) }
    // Most roll changes are pods that start and stop, and do not affect the targets.
    if memory.isSettled(with: targets, patience: patience, at: time.now) { return outcome(memory) }
    let desired = DesiredTargets(source: source, targets: targets, live: memory.slices, settings: settings)
    memory.begin(desired, serviceMonitors: settings.serviceMonitors, patience: patience, at: time.now)
    defer { log(&memory, source) }

    let wanted = desired.desiredObjects.filter { memory.canWrite($0) }
    let plan = ChangePlan(known: memory.objects, desired: wanted, json: desired.json)
    memory.settle(plan.settled)
    var failures: [ObjectName: String] = [:]
    for write in plan.apply {
      let name = write.object.name
      guard write.force || !memory.isInConflict(name, patience: patience, at: time.now) else { continue }
      guard !memory.isHeldBack(write, patience: patience, at: time.now) else { continue }
      do {
        let result = try await objects.apply(write.json, force: write.force)
        memory.applied(write, result: result, patience: patience, at: time.now)
      } catch {
        try memory.failed(name, error, at: time.now, into: &failures)
      }
    }
    // Delete last, and only if every desired slice was written, so that a target is in its new slice before it leaves the old one.
    if memory.hasAllSlices {
      for object in plan.delete {
        do {
          try await objects.delete(object)
          memory.deleted(object.name)
        } catch {
          try memory.failed(object.name, error, at: time.now, into: &failures)
        }
      }
    }
    if let first = failures.min(by: { $0.key < $1.key }) {
      throw ReconcileError.write(failed: failures.count, of: plan.apply.count + plan.delete.count, first: first.value)
    }
    memory.settle(with: targets)
    return outcome(memory)
  }

  private func outcome(_ memory: TargetMemory) -> ReconcileOutcome {
    memory.retry(patience: patience, at: time.now).map { .again(after: $0) } ?? .settled
  }

  /// Logs new problems and those that have ended.
  private func log(_ memory: inout TargetMemory, _ source: Source) {
    let (new, ended) = memory.takeProblemChanges()
    for (subject, problem) in new {
      logger.warning("cannot publish", metadata: ["source": "\(source)", "object": "\(subject)", "error": "\(problem)"])
    }
    for subject in ended {
      logger.info("published again", metadata: ["source": "\(source)", "object": "\(subject)"])
    }
  }
}

/// Why the objects of a source could not be reconciled.
package enum ReconcileError: Error, CustomStringConvertible {
  /// This replica is not the leader and must not write.
  case notLeading
  /// Some objects could not be written or deleted; the others were.
  case write(failed: Int, of: Int, first: String)

  package var description: String {
    switch self {
    case .notLeading: "not the leader"
    case .write(let failed, let all, let first): "\(failed) of \(all) writes failed, first: \(first)"
    }
  }
}

extension TargetReconciler: StatusSource {
  /// The status of each source's objects after the last pass.
  package var status: [Source: TargetStatus] {
    let memory = memory.withLock { $0 }
    return Dictionary(uniqueKeysWithValues: Source.allCases.map { ($0, memory[$0]?.status ?? TargetStatus()) })
  }
}

/// The status of one source's objects.
package struct TargetStatus: Hashable, Sendable {
  /// The number of published targets.
  package var published = 0
  /// Targets that cannot be published.
  package var refused: [RefusedTarget] = []
  /// Objects that could not be written, that the API server did not store as written, or that others change after each write, with the
  /// reason.
  package var failing: [ObjectName: String] = [:]
  /// True if the API server has no ServiceMonitors and the settings do not require them.
  package var lacksServiceMonitors = false
  /// Objects applied since the start.
  package var applied = 0
  /// Objects deleted since the start.
  package var deleted = 0
}
