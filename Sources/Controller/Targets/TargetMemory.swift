import JSON
import KubeClient
import Roll

/// What the reconciler knows of one source's objects.
struct TargetMemory {
  /// As they were read, with our own writes since.
  private(set) var objects: [ObjectName: KnownObject] = [:]
  private(set) var status = TargetStatus()
  private var readAt: Moment?
  /// Why ServiceMonitors can neither be read nor written, if so.
  private var monitorsRefused: APIStatus?
  /// What the objects were last made to say, all of them.
  private var settledTargets: [Target]?
  private var conflicts: [ObjectName: Moment] = [:]
  private var logged: [ProblemSubject: String] = [:]

  // MARK: Reading

  var slices: [LiveSlice] { objects.values.compactMap(\.slice) }

  func needsReading(patience: Duration, at now: Moment) -> Bool {
    readAt.map { now - $0 >= patience } ?? true
  }

  mutating func read(_ live: LiveObjects, at now: Moment) {
    let monitors = (try? live.serviceMonitors.get()) ?? []
    let before = objects
    objects = [:]
    for object in live.services + live.slices + monitors {
      let name = ObjectName(object)
      let read = KnownObject(read: object)
      // What has not changed since it was settled still is.
      objects[name] = before[name].flatMap { $0.settled != nil && $0.isOf(read) ? $0 : nil } ?? read
    }
    monitorsRefused = if case .failure(let status) = live.serviceMonitors { status } else { nil }
    readAt = now
    settledTargets = nil
  }

  mutating func forget() {
    let old = self
    self = TargetMemory()
    status = old.status
    logged = old.logged
  }

  // MARK: Deciding

  /// Starts a pass: what failed in the last one is forgotten.
  mutating func note(_ desired: DesiredTargets, serviceMonitors mode: ServiceMonitorMode) {
    status.published = desired.published
    status.refused = desired.refused
    status.failing = [:]
    status.lacksServiceMonitors = false
    guard let refusal = monitorsRefused, let monitor = desired.serviceMonitor else { return }
    if refusal.isNotFound, mode == .auto {
      status.lacksServiceMonitors = true
    } else {
      status.failing[ObjectName(monitor)] =
        refusal.isNotFound
        ? "the API server has no ServiceMonitors; install Prometheus Operator, or switch them off" : "may not be read: \(refusal)"
    }
  }

  func isSettled(with targets: [Target]) -> Bool { settledTargets == targets }

  mutating func settle(with targets: [Target]) { settledTargets = targets }

  /// Whether every EndpointSlice is as it should be, as far as was tried.
  var hasAllSlices: Bool { !status.failing.keys.contains { $0.kind == ObjectName.sliceKind } }

  func canHave(_ object: DesiredObject) -> Bool {
    monitorsRefused == nil || object.name.kind != APIResource.serviceMonitors.kind
  }

  mutating func found(_ settled: [DesiredObject]) {
    for object in settled { objects[object.name]?.settle(on: object) }
  }

  /// Whether another manager holds fields of the object, as of a while ago. It is left alone until then (R34).
  mutating func isInConflict(_ name: ObjectName, patience: Duration, at now: Moment) -> Bool {
    guard let since = conflicts[name] else { return false }
    guard now - since < patience else {
      conflicts[name] = nil
      return false
    }
    status.failing[name] = logged[.object(name)] ?? "in conflict with another field manager"
    return true
  }

  // MARK: What came of writing

  mutating func applied(_ desired: DesiredObject, result: JSONValue) {
    objects[desired.name] = KnownObject(applied: desired, result: result)
    status.applied += 1
  }

  mutating func deleted(_ name: ObjectName) {
    objects[name] = nil
    status.deleted += 1
  }

  /// Enters a failure of one object.
  /// - Throws: the error, if it is none of the object but of the server or of us: then there is no use in going on.
  mutating func failed(_ name: ObjectName, _ error: any Error, at now: Moment, into failures: inout [ObjectName: String]) throws {
    readAt = nil
    settledTargets = nil
    guard let refusal = (error as? KubeError)?.status, refusal.code != 401, refusal.code != 429, refusal.code < 500 else { throw error }
    if refusal.isConflict {
      conflicts[name] = now
      status.failing[name] = "\(refusal.message); to give it back to Rollcall, delete the object: it is made anew"
    } else {
      status.failing[name] = "\(refusal)"
      failures[name] = "\(name): \(refusal)"
    }
  }

  // MARK: Logging

  /// Problems that are new or changed since the last call, and subjects that no longer have one.
  mutating func takeProblemChanges() -> (new: [(subject: ProblemSubject, problem: String)], ended: [ProblemSubject]) {
    var problems: [ProblemSubject: String] = [:]
    for (name, problem) in status.failing { problems[.object(name)] = problem }
    if status.lacksServiceMonitors {
      problems[.serviceMonitors] = "the API server has none; HTTP service discovery and EndpointSlices do without"
    }
    for refused in status.refused { problems[.target(EndpointIdentity(refused.target))] = "\(refused.refusal)" }
    let new = problems.filter { logged[$0.key] != $0.value }.sorted { $0.key < $1.key }
    let ended = logged.keys.filter { problems[$0] == nil }.sorted()
    logged = problems
    return (new.map { ($0.key, $0.value) }, ended)
  }
}

/// What a logged problem is about.
enum ProblemSubject: Hashable, Comparable, CustomStringConvertible {
  case object(ObjectName)
  /// All of them: the kind is missing.
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
