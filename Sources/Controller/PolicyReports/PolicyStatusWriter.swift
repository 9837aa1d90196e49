internal import JSON
internal import KubeClient
internal import Logging
internal import Primitives
internal import Roll
internal import Synchronization

/// Writes what became of each policy into its status. Runs on the leader only, which has the ledger.
final class PolicyStatusWriter: Sendable {
  /// How often the statuses are computed.
  private static let period: Duration = .seconds(1)
  /// How often gaps are counted, which in a large outage are many.
  private static let gapsPeriod: Duration = .seconds(5)

  private let client: KubeClient
  private let watch: PolicyWatch
  private let rolls: RollStore
  private let gaps: @Sendable () -> [String: PolicyGaps]
  private let judgesScrapes: @Sendable () -> Bool
  private let isLeading: @Sendable () -> Bool
  private let shard: NodeShard
  private let time: any TimeSource
  private let logger: Logger
  private let latest = Mutex<[PolicyStatus]>([])

  /// - Parameters:
  ///   - gaps: the open gaps of each policy.
  ///   - judgesScrapes: whether scrape coverage is on.
  ///   - shard: whose nodes the rolls are of.
  init(
    client: KubeClient, watch: PolicyWatch, rolls: RollStore, gaps: @escaping @Sendable () -> [String: PolicyGaps],
    judgesScrapes: @escaping @Sendable () -> Bool, isLeading: @escaping @Sendable () -> Bool, shard: NodeShard, time: any TimeSource,
    logger: Logger
  ) {
    self.client = client
    self.watch = watch
    self.rolls = rolls
    self.gaps = gaps
    self.judgesScrapes = judgesScrapes
    self.isLeading = isLeading
    self.shard = shard
    self.time = time
    self.logger = logger
  }

  /// Runs until the task is cancelled.
  func run() async {
    defer { latest.withLock { $0 = [] } }
    var schedule = PolicyStatusSchedule()
    var gaps: (counts: [String: PolicyGaps], at: Moment)?
    var loud: Set<String> = []
    var problem: String?
    while !Task.isCancelled {
      let records = watch.records
      if records.isEmpty {
        latest.withLock { $0 = [] }
        loud = []
      } else {
        let now = time.now
        if gaps.map({ now - $0.at >= Self.gapsPeriod }) ?? true { gaps = (self.gaps(), now) }
        let statuses = statuses(of: records, gaps?.counts ?? [:])
        latest.withLock { $0 = statuses }
        report(statuses, &loud)
        let byName = Dictionary(records.map { ($0.key.name, $0) }) { $1 }
        for status in schedule.due(statuses, at: now) where isLeading() && !Task.isCancelled {
          guard let record = byName[status.name] else { continue }
          do throws(KubeError) {
            try await client.applyStatus(
              status.object(over: record, at: time.reading()), fieldManager: ObjectNames.fieldManager, force: true, in: .coveragePolicies)
            schedule.wrote(status, at: time.now)
          } catch {
            schedule.failed(status, at: time.now)
            // One that was deleted just now is no problem.
            guard !Task.isCancelled, error.status?.isNotFound != true, problem != "\(error)" else { continue }
            problem = "\(error)"
            logger.warning("cannot write the status of a policy; retrying", metadata: ["policy": "\(status.name)", "error": "\(error)"])
          }
        }
      }
      await time.pause(for: Self.period)
    }
  }

  private func statuses(of records: [PolicyRecord], _ gaps: [String: PolicyGaps]) -> [PolicyStatus] {
    let survey = PolicySurvey(
      watch.set, rolls: rolls.snapshot().rolls.values, gaps: gaps, judgesScrapes: judgesScrapes(), shard: shard)
    return records.map { survey.status(of: $0, $0.checked(watch.settings)) }
  }

  /// Logs what nobody may have meant.
  private func report(_ statuses: [PolicyStatus], _ loud: inout Set<String>) {
    let now = Set(statuses.filter { ["ExemptsEverything", "Contradicted"].contains($0.applied.reason) }.map(\.name))
    for status in statuses where now.contains(status.name) && !loud.contains(status.name) {
      logger.warning(
        "policy may do what nobody meant",
        metadata: ["policy": "\(status.name)", "reason": "\(status.applied.reason)", "detail": "\(status.applied.message)"])
    }
    loud = now
  }
}

extension PolicyStatusWriter: StatusSource {
  /// Sorted by name; empty on a replica that does not lead.
  var status: [PolicyStatus] { latest.withLock { $0 } }
}

extension PolicyStatus {
  /// The object to apply.
  /// - Parameter record: whose conditions keep the time of their last transition.
  func object(over record: PolicyRecord, at reading: ClockReading) -> JSONValue {
    func condition(_ type: String, _ condition: Condition) -> JSONValue {
      let now = Timestamp(unixMilliseconds: reading.unixMilliseconds).rfc3339()
      let known = record.conditions[type].flatMap { $0.isTrue == condition.isTrue ? $0.lastTransition : nil }
      return [
        "type": .string(type), "status": condition.isTrue ? "True" : "False", "observedGeneration": .integer(generation),
        "lastTransitionTime": .string(known ?? now), "reason": .string(condition.reason), "message": .string(condition.message),
      ]
    }
    var status: JSONValue = [
      "observedGeneration": .integer(generation), "containers": .integer(Int64(containers)), "exempt": .integer(Int64(exempt)),
      "gaps": .integer(Int64(gaps?.count ?? 0)), "conditions": [condition("Accepted", accepted), condition("Applied", applied)],
    ]
    if let newest = gaps?.newest { status["newestProblem"] = newest.problem(at: reading) }
    return [
      "apiVersion": .string(CoveragePolicy.apiVersion), "kind": .string(CoveragePolicy.kind), "metadata": ["name": .string(name)],
      "status": status,
    ]
  }
}

extension Gap {
  /// The gap in the status of a policy.
  func problem(at reading: ClockReading) -> JSONValue {
    let name = "\(container.namespace)/\(container.pod)/\(container.container)"
    return [
      "namespace": .string(container.namespace), "pod": .string(container.pod), "container": .string(container.container),
      "kind": .string(kind.rawValue), "reason": .string(reason.rawValue),
      "since": .string(Timestamp(unixMilliseconds: reading.unixMilliseconds(of: since)).rfc3339()),
      "message": .string("\(name): \(reason.rawValue)\(detail.isEmpty ? "" : " (\(String(detail.prefix(1024))))")"),
    ]
  }
}
