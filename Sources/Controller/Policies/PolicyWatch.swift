internal import JSON
package import KubeClient
internal import Logging
internal import Roll

extension APIResource {
  package static let coveragePolicies = APIResource(
    group: "rollcall.dev", version: "v1alpha1", plural: "coveragepolicies", kind: CoveragePolicy.kind, namespaced: false)
}

/// Watches the CoveragePolicies. Rolls wait for them only until the API server has answered: where it has no definition of them, or does not
/// let us read them, there are none.
package struct PolicyWatch: Sendable {
  package enum State: Hashable, Sendable {
    case ready
    /// The API server does not have the resource: its definition is not installed.
    case absent
    /// The permission to list and watch it is missing. Policies that were read before stay in force, as a refusal does not say that they are
    /// gone.
    case forbidden
    case waiting(reason: String)
  }

  /// A resource that is gone counts for another minute: an API server that starts may not know its custom resources yet.
  private static let patience: Duration = .seconds(60)
  /// How often it is looked whether the resource has come or gone.
  private static let period: Duration = .seconds(1)
  /// The longest wait for the first answer of the API server.
  private static let longestWait: Duration = .seconds(10)

  package let settings: PolicySettings
  private let policies: Reflector<PolicyRecord>
  private let namespaces: Store<NamespaceRecord>
  private let time: any TimeSource
  private let start: Moment
  private let logger: Logger

  init(client: KubeClient, namespaces: Store<NamespaceRecord>, settings: PolicySettings, time: any TimeSource, logger: Logger) {
    // Its absence is usual, and logged here as one line.
    var quiet = logger
    quiet.logLevel = max(.error, logger.logLevel)
    policies = Reflector(
      client: client, resource: .coveragePolicies, decoder: RecordDecoder(kind: CoveragePolicy.kind) { PolicyRecord($0) }, logger: quiet)
    self.namespaces = namespaces
    self.settings = settings
    self.time = time
    start = time.now
    self.logger = logger
  }

  package var state: State {
    switch (policies.status, policies.refusal) {
    case (.synced, _): .ready
    case (.waiting, 404): .absent
    case (.waiting, 403): .forbidden
    case (.waiting(let reason), _): .waiting(reason: reason)
    }
  }

  /// Whether it is known which policies there are, or the API server has refused to say.
  var isSettled: Bool {
    policies.store.isSynced && (namespaces.isSynced || policies.store.snapshot().isEmpty) || policies.refusal != nil
      || time.now - start >= Self.longestWait
  }

  /// The objects as last received, sorted by name.
  package var records: [PolicyRecord] {
    if hasGone { return [] }
    return policies.store.snapshot().sorted { $0.key < $1.key }
  }

  /// The policies in force.
  package var set: PolicySet {
    PolicySet(records.lazy.compactMap { try? $0.checked(settings).get() }, namespaces: namespaceLabels)
  }

  /// The labels of all namespaces by name.
  package var namespaceLabels: [String: [String: String]] {
    Dictionary(namespaces.snapshot().lazy.map { ($0.key.name, $0.labels) }) { $1 }
  }

  private var hasGone: Bool { state == .absent && (policies.timeOutOfSync ?? .zero) >= Self.patience }

  // MARK: Running

  /// Watches, and logs what changes, until the task is cancelled.
  func run() async {
    await withTaskGroup { group in
      group.addTask { await policies.run() }
      group.addTask { await reportState() }
      group.addTask { await reportPolicies() }
    }
  }

  /// Calls `body` when the policies in force may have changed, until the task is cancelled.
  func forEachChange(_ body: @escaping @Sendable () -> Void) async {
    await withTaskGroup { group in
      group.addTask { for await _ in policies.store.changes { body() } }
      group.addTask { for await _ in namespaces.changes { body() } }
      var hadGone = hasGone
      while !Task.isCancelled {
        await time.pause(for: Self.period)
        if hasGone != hadGone {
          hadGone.toggle()
          body()
        }
      }
    }
  }

  private func reportState() async {
    var last: State?
    while !Task.isCancelled {
      let state = state
      switch state {
      case last, .waiting: break
      case .ready: if last != nil { logger.notice("policies are on") }
      case .absent: logger.info("policies are off: the cluster has no definition of CoveragePolicies")
      case .forbidden where policies.store.isSynced:
        logger.warning("no permission to list and watch coveragepolicies.rollcall.dev: the policies last read stay in force")
      case .forbidden: logger.notice("policies are off: no permission to list and watch coveragepolicies.rollcall.dev")
      }
      if case .waiting = state {} else { last = state }
      await time.pause(for: Self.period)
    }
  }

  private func reportPolicies() async {
    var log = PolicyLog(settings: settings)
    for await _ in policies.store.changes {
      log.report(records, to: logger)
    }
  }
}

/// Logs each change of a policy once.
struct PolicyLog {
  /// Maximum number of lines for the changes that come together.
  private static let maximumLines = 10

  let settings: PolicySettings
  private var known: [String: PolicyRecord]?

  init(settings: PolicySettings) {
    self.settings = settings
  }

  mutating func report(_ records: [PolicyRecord], to logger: Logger) {
    let before = known ?? [:]
    let isFirst = known == nil
    known = Dictionary(records.map { ($0.key.name, $0) }) { $1 }
    var lines = 0
    /// - Returns: whether there is room for a line.
    func counts() -> Bool {
      lines += 1
      return lines <= Self.maximumLines
    }
    for record in records where before[record.key.name]?.policy != record.policy {
      let name = record.key.name
      switch record.checked(settings) {
      case .failure(let problem):
        if counts() { logger.warning("policy is not accepted and has no effect", metadata: ["policy": "\(name)", "error": "\(problem)"]) }
      case .success(let policy):
        guard !isFirst, counts() else { continue }
        logger.notice(
          before[name] == nil ? "policy added" : "policy changed",
          metadata: ["policy": "\(name)", "generation": "\(record.generation)", "effects": "\(policy.effects.text)"])
      }
    }
    for name in before.keys.sorted() where known?[name] == nil && counts() {
      logger.notice("policy removed", metadata: ["policy": "\(name)"])
    }
    if lines > Self.maximumLines { logger.notice("more policies changed", metadata: ["policies": "\(lines - Self.maximumLines)"]) }
    if isFirst, !records.isEmpty { logger.notice("policies are read", metadata: ["policies": "\(records.count)"]) }
  }
}
