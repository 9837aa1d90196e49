import JSON
import KubeClient
import Roll

/// The reconciler's knowledge of one source's objects.
struct TargetMemory {
  /// The objects as last read, updated by our own writes.
  private(set) var objects: [ObjectName: KnownObject] = [:]
  private(set) var status = TargetStatus()
  private var readAt: Moment?
  /// When objects that lack fields were last applied again.
  private var retriedAt: Moment?
  /// The API server's refusal to list ServiceMonitors; `nil` if it lists them.
  private var monitorsRefused: APIStatus?
  /// The targets that all objects reflect; `nil` while some may not.
  private var settledTargets: [Target]?
  private var conflicts: [ObjectName: Moment] = [:]
  private var undone = UndoneWrites()
  private var logged: [ProblemSubject: String] = [:]

  // MARK: Reading

  var slices: [LiveSlice] { objects.values.compactMap(\.slice) }

  func needsReading(patience: Duration, at now: Moment) -> Bool {
    readAt.map { now - $0 >= patience } ?? true
  }

  /// Has the objects read again.
  mutating func expire() {
    readAt = nil
    settledTargets = nil
  }

  mutating func read(_ live: LiveObjects, patience: Duration, at now: Moment) {
    let monitors = (try? live.serviceMonitors.get()) ?? []
    let retries = retriedAt.map { now - $0 >= patience } ?? true
    if retries { retriedAt = now }
    let before = objects
    objects = [:]
    for object in live.services + live.slices + monitors {
      let name = ObjectName(object)
      let read = KnownObject(read: object)
      // An object that has not changed since it was settled still is. One that lacks fields is applied again now and then: its CRD may be
      // newer by then.
      objects[name] =
        before[name].flatMap { $0.settled != nil && ($0.missing.isEmpty || !retries) && $0.isOf(read) ? $0 : nil } ?? read
    }
    monitorsRefused = if case .failure(let status) = live.serviceMonitors { status } else { nil }
    readAt = now
    settledTargets = nil
  }

  /// Forgets everything but the counters.
  mutating func forget() {
    let old = status
    self = TargetMemory()
    status.applied = old.applied
    status.deleted = old.deleted
  }

  // MARK: Deciding

  /// Starts a pass. Clears the failures of the last one.
  mutating func begin(_ desired: DesiredTargets, serviceMonitors mode: ServiceMonitorMode, patience: Duration, at now: Moment) {
    status.published = desired.published
    status.refused = desired.refused
    undone.recover(patience: patience, at: now)
    status.failing = objects.compactMapValues(\.problem).merging(undone.problems) { missing, _ in missing }
    status.lacksServiceMonitors = false
    guard let refusal = monitorsRefused, let monitor = desired.serviceMonitor else { return }
    if refusal.isNotFound, mode == .auto {
      status.lacksServiceMonitors = true
    } else {
      status.failing[ObjectName(monitor)] =
        refusal.isNotFound
        ? "the API server has no ServiceMonitors; install Prometheus Operator, or set --service-monitors off" : "cannot list: \(refusal)"
    }
  }

  func isSettled(with targets: [Target], patience: Duration, at now: Moment) -> Bool {
    settledTargets == targets && undone.nextChange(patience: patience).map { now < $0 } ?? true
  }

  mutating func settle(with targets: [Target]) { settledTargets = targets }

  /// The time after which a failing object should be tried again; `nil` without one.
  func retry(patience: Duration, at now: Moment) -> Duration? {
    if status.failing.isEmpty { return nil }
    return undone.nextChange(patience: patience).map { max(.zero, min(patience, $0 - now)) } ?? patience
  }

  /// Whether no EndpointSlice has failed or is in conflict in this pass.
  var hasAllSlices: Bool { !status.failing.keys.contains { $0.kind == ObjectName.sliceKind && !undone.isOnTrial($0) } }

  func canWrite(_ object: DesiredObject) -> Bool {
    monitorsRefused == nil || object.name.kind != APIResource.serviceMonitors.kind
  }

  mutating func settle(_ objects: [DesiredObject]) {
    for object in objects { self.objects[object.name]?.settle(on: object) }
  }

  /// Whether a write of the object met a conflict with another field manager within `patience`. It is not retried until then (R34).
  mutating func isInConflict(_ name: ObjectName, patience: Duration, at now: Moment) -> Bool {
    guard let since = conflicts[name] else { return false }
    guard now - since < patience else {
      conflicts[name] = nil
      return false
    }
    status.failing[name] = logged[.object(name)] ?? "in conflict with another field manager"
    return true
  }

  /// Whether the object is not written yet, because others undo each write.
  mutating func isHeldBack(_ write: ChangePlan.Write, patience: Duration, at now: Moment) -> Bool {
    let isHeldBack = !undone.mayRepeat(write, patience: patience, at: now)
    if let problem = undone.problem(of: write.object.name) { status.failing[write.object.name] = problem }
    return isHeldBack
  }

  // MARK: Recording writes

  mutating func applied(_ write: ChangePlan.Write, result: JSONValue, patience: Duration, at now: Moment) {
    let name = write.object.name
    let known = KnownObject(applied: write.object, json: write.json, result: result)
    objects[name] = known
    // What the API server does not store is not undone by others.
    if known.missing.isEmpty { undone.wrote(write.object, patience: patience, at: now) } else { undone.forget(name) }
    status.failing[name] = known.problem ?? undone.problem(of: name)
    conflicts[name] = nil
    status.applied += 1
  }

  mutating func deleted(_ name: ObjectName) {
    objects[name] = nil
    undone.forget(name)
    status.failing[name] = nil
    status.deleted += 1
  }

  /// Records the failure of a write.
  /// - Throws: the error, unless it concerns this object only. After an error of the server or of our access the pass ends.
  mutating func failed(_ name: ObjectName, _ error: any Error, at now: Moment, into failures: inout [ObjectName: String]) throws {
    expire()
    guard let refusal = (error as? KubeError)?.status, refusal.code != 401, refusal.code != 429 else { throw error }
    // Kubernetes (seen with 1.36) answers a server-side apply of a field that the CRD does not declare with 500, without a reason.
    if refusal.code == 500, name.kind == APIResource.serviceMonitors.kind {
      status.failing[name] = "\(refusal); \(undeclaredFieldAdvice)"
      failures[name] = "\(name): \(refusal)"
      return
    }
    guard refusal.code < 500 else { throw error }
    if refusal.isConflict {
      conflicts[name] = now
      status.failing[name] = "\(refusal.message); to return it to Rollcall, delete the object: Rollcall recreates it"
    } else {
      status.failing[name] = "\(refusal)"
      failures[name] = "\(name): \(refusal)"
    }
  }

  // MARK: Logging

  /// Problems that are new or changed since the last call, and subjects whose problem has ended.
  mutating func takeProblemChanges() -> (new: [(subject: ProblemSubject, problem: String)], ended: [ProblemSubject]) {
    var problems: [ProblemSubject: String] = [:]
    for (name, problem) in status.failing { problems[.object(name)] = problem }
    if status.lacksServiceMonitors {
      problems[.serviceMonitors] = "the API server has no ServiceMonitors; HTTP service discovery and EndpointSlices work without them"
    }
    for refused in status.refused { problems[.target(EndpointIdentity(refused.target))] = "\(refused.refusal)" }
    let new = problems.filter { logged[$0.key] != $0.value }.sorted { $0.key < $1.key }
    let ended = logged.keys.filter { problems[$0] == nil }.sorted()
    logged = problems
    return (new.map { ($0.key, $0.value) }, ended)
  }
}

/// The subject of a logged problem.
enum ProblemSubject: Hashable, Comparable, CustomStringConvertible {
  case object(ObjectName)
  /// ServiceMonitors in general: the API server does not have the kind.
  case serviceMonitors
  case target(EndpointIdentity)

  var description: String {
    switch self {
    case .object(let name): "\(name)"
    case .serviceMonitors: "ServiceMonitors"
    case .target(let identity): identity.text
    }
  }
}
