internal import FoundationEssentials
internal import Roll

/// What an agent answered, believed only as far as it can be true.
struct AgentReport {
  var answers: [Answer]
  var lastScrape: LastScrape
  /// Of pods on the roll only, whatever else the agent names.
  var sockets: [PodSockets]

  /// - Throws: why the report as a whole cannot be believed.
  init(_ body: [UInt8], for roll: NodeRoll) throws(Miss) {
    let report: RollReport
    do {
      report = try JSONDecoder().decode(RollReport.self, from: Data(body))
    } catch {
      throw Miss(.unknown, "the agent's answer is not a report (\(error)): \(excerpt(of: body))")
    }
    guard report.hash == roll.hash else {
      let other = excerpt(of: Array(report.hash.utf8), limit: 80)
      throw Miss(.unknown, "the agent reports on another roll than the one that was called: its hash is '\(other)', not '\(roll.hash)'")
    }
    guard report.answers.count == roll.entries.count else {
      throw Miss(.unknown, "the agent gave \(report.answers.count) answers to a roll of \(roll.entries.count) containers")
    }
    answers = report.answers.map(Self.outcome)
    sockets = report.sockets.map { Self.believable($0, of: roll) } ?? []
    switch report.secondsSinceScrape {
    case nil: lastScrape = .never
    case let seconds? where Self.believableAges.contains(seconds): lastScrape = .ago(.seconds(seconds))
    case let seconds?: throw Miss(.unknown, "the agent says that it was scraped \(seconds) s ago, which cannot be")
    }
  }

  private static func believable(_ pods: [PodSockets], of roll: NodeRoll) -> [PodSockets] {
    struct Pod: Hashable {
      var namespace: String
      var name: String
    }
    // Taken out when it comes, so that each comes once.
    var known = Set(roll.entries.map { Pod(namespace: $0.reference.namespace, name: $0.reference.pod) })
    return pods.filter { pod in
      let numbers = [pod.established, pod.inUse, pod.timeWait, pod.orphans, pod.total, pod.udp]
      return numbers.allSatisfy { ($0 ?? 0) >= 0 } && known.remove(Pod(namespace: pod.namespace, name: pod.pod)) != nil
    }
  }

  /// Seconds. Nothing of ours has run for longer than ten years.
  private static let believableAges = 0.0...(10 * 366 * 86400)

  private static func outcome(_ answer: AgentAnswer) -> Answer {
    switch (answer.age, answer.reason) {
    case (let age?, nil):
      guard believableAges.contains(age) else {
        return .missed(.unknown, detail: "the agent says that it read the container \(age) s ago, which cannot be")
      }
      return .collected(age: .seconds(age))
    case (nil, let reason?):
      let detail = excerpt(of: Array((answer.detail ?? "the agent gave no detail").utf8), limit: 512)
      return switch reason {
      // What an agent can know. The others are for us to find.
      case .pidNotFound, .permissionDenied, .notInResponse, .staleData, .unknown: .missed(reason, detail: detail)
      default: .missed(.unknown, detail: "the agent answered \(reason.rawValue), which is not for an agent to say: \(detail)")
      }
    case (nil, nil), (_?, _?):
      return .missed(.unknown, detail: "the agent's answer has to have either an age or a reason")
    }
  }
}
