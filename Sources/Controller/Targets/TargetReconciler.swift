internal import JSON
package import KubeClient
package import Logging
package import Roll
internal import Synchronization

/// Keeps the Services, EndpointSlices and ServiceMonitors as the targets of each source ask for. Its key is the source.
///
/// It reads what there is, computes what there should be, and writes the difference; what it read it remembers for a while, since nobody
/// else is to write these objects. Only objects with our labels are ever deleted, and nothing is written before there is a snapshot of
/// the targets (R36).
package final class TargetReconciler: Reconciler {
  private let objects: TargetObjects
  private let settings: TargetSettings
  private let patience: Duration
  private let time: any TimeSource
  private let snapshot: @Sendable () -> [Target]?
  private let logger: Logger
  private let memory = Mutex<[Source: TargetMemory]>([:])

  /// - Parameters:
  ///   - patience: how long objects that were read are taken to be still so; how long until a conflict, or a kind that the server lacks,
  ///     is looked at again.
  ///   - isLeading: asked before every write.
  ///   - snapshot: the targets of every source as of now, or `nil` while the caches that they come from are not in sync. A watch that
  ///     fails later leaves the caches as they are, and with them the targets.
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
  }

  package func begin() {
    memory.withLock { memory in
      for source in memory.keys { memory[source]?.forget() }
    }
  }

  /// - Throws: `KubeError` if the live objects cannot be read, `ReconcileError` if not all changes could be made.
  package func reconcile(_ source: Source) async throws -> ReconcileOutcome {
    // One loop runs a source at a time, so what is taken out here is put back before anyone else wants it.
    var memory = self.memory.withLock { $0[source] } ?? TargetMemory()
    defer { self.memory.withLock { [memory] in $0[source] = memory } }

    if memory.needsReading(patience: patience, at: time.now) {
      guard snapshot() != nil else { return .again(after: .seconds(1)) }
      memory.read(try await objects.read(source), at: time.now)
    }
    // Taken after the reading: it is never older than what it is compared with.
    guard let targets = snapshot()?.filter({ $0.source == source }) else { return .again(after: .seconds(1)) }
    // Most changes of rolls are pods that come and go, and leave the targets of nodes as they are.
    if memory.isSettled(with: targets) { return outcome(memory) }
    let desired = DesiredTargets(source: source, targets: targets, live: memory.slices, settings: settings)
    memory.note(desired, serviceMonitors: settings.serviceMonitors)
    defer { log(&memory, source) }

    let wanted = desired.desiredObjects.filter { memory.canHave($0) }
    let plan = ChangePlan(known: memory.objects, desired: wanted, json: desired.json)
    memory.found(plan.settled)
    var failures: [ObjectName: String] = [:]
    for (object, json) in plan.apply where !memory.isInConflict(object.name, patience: patience, at: time.now) {
      do {
        memory.applied(object, result: try await objects.apply(json))
      } catch {
        try memory.failed(object.name, error, at: time.now, into: &failures)
      }
    }
    // Deleted last, and only if every slice that should be there is: a target is in its new slice before it leaves the old one.
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
    memory.status.failing.isEmpty ? .settled : .again(after: patience)
  }

  /// Logs problems that are new, and those that have ended.
  private func log(_ memory: inout TargetMemory, _ source: Source) {
    let (new, ended) = memory.takeProblemChanges()
    for (subject, problem) in new {
      logger.warning("cannot publish", metadata: ["source": "\(source)", "what": "\(subject)", "problem": "\(problem)"])
    }
    for subject in ended {
      logger.info("published again", metadata: ["source": "\(source)", "what": "\(subject)"])
    }
  }
}

/// Why the objects of a source are not as they should be.
package enum ReconcileError: Error, CustomStringConvertible {
  /// Another replica leads now: nothing more is written.
  case notLeading
  /// Some objects could not be written or deleted; the others were.
  case write(failed: Int, of: Int, first: String)

  package var description: String {
    switch self {
    case .notLeading: "not leading any more"
    case .write(let failed, let all, let first): "\(failed) of \(all) changes failed, the first of them: \(first)"
    }
  }
}

extension TargetReconciler: StatusSource {
  /// The state of each source's objects at the end of the last pass.
  package var status: [Source: TargetStatus] {
    let memory = memory.withLock { $0 }
    return Dictionary(uniqueKeysWithValues: Source.allCases.map { ($0, memory[$0]?.status ?? TargetStatus()) })
  }
}

/// The state of the objects of one source.
package struct TargetStatus: Hashable, Sendable {
  /// Targets that are published.
  package var published = 0
  /// Targets that cannot be published.
  package var refused: [RefusedTarget] = []
  /// The objects that could not be written, and why.
  package var failing: [ObjectName: String] = [:]
  /// The API server has no ServiceMonitors, and the settings do not require them.
  package var lacksServiceMonitors = false
  /// Writes so far: objects applied and objects deleted.
  package var applied = 0
  package var deleted = 0
}
