import JSON
import KubeClient
import Roll

/// What the reconciler knows of one source's objects.
struct TargetMemory {
  /// As they were read, with our own writes since.
  private(set) var objects: [ObjectName: KnownObject] = [:]
  private(set) var report = TargetStatus()
  private var readAt: ContinuousClock.Instant?
  /// Why ServiceMonitors can neither be read nor written, if so.
  private var monitorsRefused: APIStatus?
  /// What the objects were last made to say, all of them.
  private var settledTargets: [Target]?
  private var conflicts: [ObjectName: ContinuousClock.Instant] = [:]
  private var said: [String: String] = [:]

  // MARK: Reading

  var slices: [LiveSlice] { objects.values.compactMap(\.slice) }

  func needsReading(patience: Duration) -> Bool {
    readAt.map { $0.duration(to: .now) >= patience } ?? true
  }

  mutating func read(_ live: LiveObjects) {
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
    readAt = .now
    settledTargets = nil
  }

  mutating func forget() {
    let old = self
    self = TargetMemory()
    report = old.report
    said = old.said
  }

  // MARK: Deciding

  /// Starts a pass: what failed in the last one is forgotten.
  mutating func note(_ desired: DesiredTargets, serviceMonitors mode: ControllerSettings.ServiceMonitorMode) {
    report.published = desired.published
    report.refused = desired.refused
    report.failing = [:]
    report.lacksServiceMonitors = false
    guard let status = monitorsRefused, let monitor = desired.serviceMonitor else { return }
    if status.isNotFound, mode == .auto {
      report.lacksServiceMonitors = true
    } else {
      report.failing["\(ObjectName(monitor))"] =
        status.isNotFound
        ? "the API server has no ServiceMonitors; install Prometheus Operator, or switch them off" : "may not be read: \(status)"
    }
  }

  func isSettled(with targets: [Target]) -> Bool { settledTargets == targets }

  mutating func settle(with targets: [Target]) { settledTargets = targets }

  /// Whether every EndpointSlice is as it should be, as far as was tried.
  var hasAllSlices: Bool { !report.failing.keys.contains { $0.hasPrefix("\(ObjectName.sliceKind) ") } }

  func canHave(_ object: DesiredObject) -> Bool {
    monitorsRefused == nil || object.name.kind != APIResource.serviceMonitors.kind
  }

  mutating func found(_ settled: [DesiredObject]) {
    for object in settled { objects[object.name]?.settle(on: object) }
  }

  /// Whether another manager holds fields of the object, as of a while ago. It is left alone until then (R34).
  mutating func isInConflict(_ name: ObjectName, patience: Duration) -> Bool {
    guard let since = conflicts[name] else { return false }
    guard since.duration(to: .now) < patience else {
      conflicts[name] = nil
      return false
    }
    report.failing["\(name)"] = said["\(name)"] ?? "in conflict with another field manager"
    return true
  }

  // MARK: What came of writing

  mutating func applied(_ desired: DesiredObject, result: JSONValue) {
    objects[desired.name] = KnownObject(applied: desired, result: result)
    report.applied += 1
  }

  mutating func deleted(_ name: ObjectName) {
    objects[name] = nil
    report.deleted += 1
  }

  /// Enters a failure of one object.
  /// - Throws: the error, if it is none of the object but of the server or of us: then there is no use in going on.
  mutating func failed(_ name: ObjectName, _ error: any Error, into failures: inout [ObjectName: String]) throws {
    readAt = nil
    settledTargets = nil
    guard let status = (error as? KubeError)?.status, status.code != 401, status.code != 429, status.code < 500 else { throw error }
    if status.isConflict {
      conflicts[name] = .now
      report.failing["\(name)"] = "\(status.message); to give it back to Rollcall, delete the object: it is made anew"
    } else {
      report.failing["\(name)"] = "\(status)"
      failures[name] = "\(name): \(status)"
    }
  }

  // MARK: Saying

  /// What is new since the last time, and what is over.
  mutating func announcements() -> (new: [(String, String)], over: [String]) {
    var problems = report.failing
    if report.lacksServiceMonitors {
      problems["ServiceMonitors"] = "the API server has none; HTTP service discovery and EndpointSlices do without"
    }
    for refused in report.refused { problems[EndpointIdentity(refused.target).text] = "\(refused.refusal)" }
    let new = problems.filter { said[$0.key] != $0.value }.sorted { $0.key < $1.key }
    let over = said.keys.filter { problems[$0] == nil }.sorted()
    said = problems
    return (new.map { ($0.key, $0.value) }, over)
  }
}
