internal import KubeClient
package import Primitives
package import Roll

/// What became of one policy: its status in the API server and in our API.
package struct PolicyStatus: Hashable, Sendable {
  package struct Condition: Hashable, Sendable {
    package var isTrue: Bool
    /// One word.
    package var reason: String
    /// At most `longestMessage` characters, as the definition limits them.
    package private(set) var message: String

    static let longestMessage = 1024

    package init(isTrue: Bool, reason: String, message: String) {
      self.isTrue = isTrue
      self.reason = reason
      // The API server counts code points.
      let scalars = message.unicodeScalars
      self.message =
        scalars.count > Self.longestMessage ? String(String.UnicodeScalarView(scalars.prefix(Self.longestMessage - 1))) + "…" : message
    }
  }

  package var name: String
  package var generation: Int64
  package var accepted: Condition
  package var applied: Condition
  /// The number of containers that it selects.
  package var containers = 0
  /// The number of containers that it exempts.
  package var exempt = 0
  /// `nil` if none of the containers has a gap.
  package var gaps: PolicyGaps?

  /// Whether something else than a number differs.
  package func differsInWords(from other: PolicyStatus) -> Bool {
    generation != other.generation || accepted != other.accepted || applied != other.applied
  }
}

/// What the rolls and the ledger say about all policies. Pure.
package struct PolicySurvey {
  /// The number of containers that each combination of policies selects.
  private let selections: [(policies: [CoveragePolicy], decision: PolicyDecision, count: Int)]
  private let gaps: [String: PolicyGaps]
  /// The number of containers on the rolls.
  private let called: Int
  /// Whether scrapes are judged at all.
  private let judgesScrapes: Bool
  /// Whose nodes the rolls are of.
  private let shard: NodeShard

  package init(
    _ set: PolicySet, rolls: some Sequence<NodeRoll>, gaps: [String: PolicyGaps], judgesScrapes: Bool, shard: NodeShard = .all
  ) {
    var counts: [[String]: Int] = [:]
    var called = 0
    for roll in rolls {
      called += roll.entries.count
      for (policies, count) in roll.selections { counts[policies, default: 0] += count }
    }
    let byName = Dictionary(set.policies.map { ($0.name, $0) }) { $1 }
    selections = counts.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { names, count in
      let policies = names.compactMap { byName[$0] }
      return (policies, PolicyDecision(policies), count)
    }
    self.gaps = gaps
    self.called = called
    self.judgesScrapes = judgesScrapes
    self.shard = shard
  }

  /// Whether there are nodes that the rolls do not have. Then nothing shows that a policy is not applied anywhere.
  private var isPart: Bool { shard.count > 1 }

  /// - Parameter checked: the policy, or why it is not accepted.
  package func status(of record: PolicyRecord, _ checked: Result<CoveragePolicy, PolicyProblem>) -> PolicyStatus {
    let name = record.key.name
    switch checked {
    case .failure(let problem):
      return PolicyStatus(
        name: name, generation: record.generation,
        accepted: PolicyStatus.Condition(isTrue: false, reason: problem.reason.rawValue, message: "\(problem)"),
        applied: PolicyStatus.Condition(isTrue: false, reason: "NotAccepted", message: "the policy has no effect"))
    case .success(let policy):
      let own = selections.filter { $0.policies.contains { $0.name == name } }
      var status = PolicyStatus(
        name: name, generation: record.generation,
        accepted: PolicyStatus.Condition(isTrue: true, reason: "Accepted", message: "the policy is in force"),
        applied: PolicyStatus.Condition(isTrue: true, reason: "Applied", message: policy.effects.text))
      status.containers = own.reduce(0) { $0 + $1.count }
      status.exempt = own.reduce(0) { $0 + ($1.decision.exemption?.policy == name ? $1.count : 0) }
      status.gaps = gaps[name]
      if let condition = exception(policy, own, exempt: status.exempt) { status.applied = condition }
      return status
    }
  }

  /// What is unusual about how the policy is applied; `nil` if nothing is.
  private func exception(
    _ policy: CoveragePolicy, _ own: [(policies: [CoveragePolicy], decision: PolicyDecision, count: Int)], exempt: Int
  ) -> PolicyStatus.Condition? {
    if own.isEmpty, isPart {
      return PolicyStatus.Condition(
        isTrue: true, reason: "Applied",
        message: "shard \(shard.index) of \(shard.count) has no container in \(policy.selector.text); others are not counted here")
    }
    if own.isEmpty {
      return PolicyStatus.Condition(
        isTrue: false, reason: "SelectsNothing", message: "there is no container in \(policy.selector.text)")
    }
    if exempt > 0, called == 0 {
      return PolicyStatus.Condition(
        isTrue: true, reason: "ExemptsEverything",
        message: "no container of \(isPart ? "shard \(shard.index)" : "the cluster") is collected any more, as this policy exempts them")
    }
    let decides = own.contains { $0.decision.deciders.contains(policy.name) }
    for (policies, _, _) in own {
      guard
        let other = policies.first(where: { $0.name != policy.name && $0.isLevel(with: policy) && $0.effects.contradict(policy.effects) })
      else { continue }
      return PolicyStatus.Condition(
        isTrue: decides || isPart, reason: "Contradicted",
        message: "\(other.name) has the same precedence and says otherwise about some containers, so that the name decides; "
          + "give one of them a priority")
    }
    if !decides {
      let others = Set(own.flatMap { $0.decision.deciders }).sorted()
      return PolicyStatus.Condition(
        isTrue: isPart, reason: "Overridden",
        message: "\(isPart ? "in shard \(shard.index) " : "")what it says is decided by \(others.prefix(5).joined(separator: ", "))")
    }
    if policy.effects.scraping == .required, !judgesScrapes {
      return PolicyStatus.Condition(
        isTrue: true, reason: "ScrapesNotJudged", message: "scraping Required has no effect while scrape coverage is off")
    }
    return nil
  }
}

extension PolicyDecision {
  /// The policies that decide some effect.
  var deciders: Set<String> {
    Set([collection?.policy, threshold?.policy, grace?.policy, scraping?.policy, severity?.policy].compactMap(\.self))
      .union(labels.values.map(\.policy))
  }
}

extension PolicyEffects {
  /// Whether both say something about an effect, and not the same.
  func contradict(_ other: PolicyEffects) -> Bool {
    func differ<Value: Equatable>(_ left: Value?, _ right: Value?) -> Bool { left != nil && right != nil && left != right }
    return differ(isExempt, other.isExempt) || differ(threshold, other.threshold) || differ(grace, other.grace)
      || differ(scraping, other.scraping) || differ(alerts.severity, other.alerts.severity)
      || alerts.labels.contains { differ($0.value, other.alerts.labels[$0.key]) }
  }

  /// `nil` if it says nothing about the collection.
  private var isExempt: Bool? {
    switch collection {
    case nil: nil
    case .required: false
    case .exempt: true
    }
  }
}
