internal import FoundationEssentials
internal import Roll

/// An agent's response to a roll call. Values that cannot be true are rejected.
struct AgentReport {
  var answers: [Answer]
  var lastScrape: LastScrape
  /// Limited to pods on the roll.
  var sockets: [PodSockets]

  /// - Throws: if the report as a whole is implausible.
  init(_ body: [UInt8], for roll: NodeRoll) throws(Miss) {
    let report: RollReport
    do {
      report = try JSONDecoder().decode(RollReport.self, from: Data(body))
    } catch {
      throw Miss(.unknown, "the agent's response is not a report (\(error)): \(excerpt(of: body))")
    }
    guard report.hash == roll.hash else {
      let other = excerpt(of: Array(report.hash.utf8), limit: 80)
      throw Miss(.unknown, "the agent reports on a different roll: its hash is '\(other)', not '\(roll.hash)'")
    }
    guard report.answers.count == roll.entries.count else {
      throw Miss(.unknown, "the agent gave \(report.answers.count) answers to a roll of \(roll.entries.count) containers")
    }
    answers = report.answers.map(Self.answer)
    sockets = report.sockets.map { Self.plausible($0, of: roll) } ?? []
    switch report.secondsSinceScrape {
    case nil: lastScrape = .never
    case let seconds? where Self.plausibleAges.contains(seconds): lastScrape = .ago(.seconds(seconds))
    case let seconds?: throw Miss(.unknown, "the agent reports an impossible time since its last scrape: \(seconds) s")
    }
  }

  private static func plausible(_ pods: [PodSockets], of roll: NodeRoll) -> [PodSockets] {
    struct Pod: Hashable {
      var namespace: String
      var name: String
    }
    // Removing each pod when it is seen drops repeated ones.
    var known = Set(roll.entries.map { Pod(namespace: $0.reference.namespace, name: $0.reference.pod) })
    return pods.filter { pod in
      let numbers = [pod.established, pod.inUse, pod.timeWait, pod.orphans, pod.total, pod.udp]
      return numbers.allSatisfy { ($0 ?? 0) >= 0 } && known.remove(Pod(namespace: pod.namespace, name: pod.pod)) != nil
    }
  }

  /// In seconds, up to ten years.
  private static let plausibleAges = 0.0...(10 * 366 * 86400)

  private static func answer(_ answer: AgentAnswer) -> Answer {
    // The only exemption that an agent can determine.
    if answer.exempt == .sandboxedRuntime, answer.age == nil { return .exempt(.sandboxedRuntime) }
    switch (answer.age, answer.reason) {
    case (let age?, nil):
      guard plausibleAges.contains(age) else {
        return .missed(.unknown, detail: "the agent reports an impossible age of the container's data: \(age) s")
      }
      return .collected(age: .seconds(age))
    case (nil, let reason?):
      let detail = excerpt(of: Array((answer.detail ?? "the agent gave no detail").utf8), limit: 512)
      return switch reason {
      // The reasons an agent can determine. All others are the controller's.
      case .pidNotFound, .permissionDenied, .notInResponse, .staleData, .unknown: .missed(reason, detail: detail)
      default: .missed(.unknown, detail: "the agent answered \(reason.rawValue), a reason that agents must not use: \(detail)")
      }
    case (nil, nil), (_?, _?):
      return .missed(.unknown, detail: "the agent's answer must have either an age or a reason")
    }
  }
}
