internal import AsyncPrimitives
internal import JSON
internal import KubeClient
internal import Logging
internal import Primitives
internal import Roll
internal import Synchronization

/// A question about a target that a scraper does not have, with what it takes to ask it.
enum ScrapeInquiry: Sendable {
  /// Which relabel rule drops the target?
  case rule(RelabelQuestion, ScraperClient, labels: [String: String])
  /// May the service account list what service discovery needs?
  case right(ScrapeKnowledge.Right, serviceAccount: String)
  /// Which monitors does the operator refuse?
  case rejections

  enum Subject: Hashable, Sendable {
    case rule(RelabelQuestion)
    case right(ScrapeKnowledge.Right)
    case rejections
  }

  var subject: Subject {
    switch self {
    case .rule(let question, _, _): .rule(question)
    case .right(let right, _): .right(right)
    case .rejections: .rejections
    }
  }
}

/// Asks for the causes of missing targets, a few at a time, and keeps the answers for a while.
final class ScrapeInquiries: Sendable {
  /// How long an answer holds.
  private static let lifetime: Duration = .seconds(300)
  /// The number of questions between two passes. A server that is too old for the question is asked for its whole configuration.
  static let atOnce = 16

  private struct State {
    var knowledge = ScrapeKnowledge()
    var rejectionsAt: Moment?
    var queue: [ScrapeInquiry] = []
    var queued: Set<ScrapeInquiry.Subject> = []
  }

  private let client: KubeClient
  private let time: any TimeSource
  private let logger: Logger
  private let state = Mutex(State())
  private let wakeup = Wakeup()

  init(client: KubeClient, time: any TimeSource, logger: Logger) {
    self.client = client
    self.time = time
    self.logger = logger
  }

  var knowledge: ScrapeKnowledge { state.withLock { $0.knowledge } }

  /// Whether a question is worth preparing: it has no recent answer, is not waiting for one, and there is room.
  func wants(_ subject: ScrapeInquiry.Subject) -> Bool {
    let now = time.now
    return state.withLock { state in
      guard state.queue.count < Self.atOnce, !state.queued.contains(subject) else { return false }
      let answered: Moment? =
        switch subject {
        case .rule(let question): state.knowledge.verdicts[question]?.at
        case .right(let right): state.knowledge.forbidden[right]?.at
        case .rejections: state.rejectionsAt
        }
      return answered.map { now - $0 > Self.lifetime / (subject == .rejections ? 5 : 1) } ?? true
    }
  }

  func add(_ inquiry: ScrapeInquiry) {
    state.withLock { state in
      if state.queued.insert(inquiry.subject).inserted { state.queue.append(inquiry) }
    }
    wakeup.signal()
  }

  /// Answers what was added, until the task is cancelled, and then forgets all answers.
  func run() async {
    while !Task.isCancelled {
      while let inquiry = state.withLock({ $0.queue.first }), !Task.isCancelled {
        await answer(inquiry)
        state.withLock { state in
          state.queue.removeFirst()
          state.queued.remove(inquiry.subject)
        }
      }
      _ = await wakeup.wait()
    }
    state.withLock { $0 = State() }
  }

  /// Answers now, for a person. The answers count for others, too.
  func answers(to inquiries: [ScrapeInquiry]) async -> ScrapeKnowledge {
    for inquiry in inquiries.prefix(Self.atOnce) { await answer(inquiry) }
    return knowledge
  }

  private func answer(_ inquiry: ScrapeInquiry) async {
    switch inquiry {
    case .rule(let question, let client, let labels):
      // A failure is one of the reader, too, which logs it.
      let verdict = try? await client.verdict(pool: question.pool, labels: labels)
      keep { $0.knowledge.verdicts[question] = (verdict ?? nil, $1) }
    case .right(let right, let account):
      var missing: [String] = []
      for (group, resource) in right.role.resources where await mayList(resource, group, right, account) == false {
        missing.append(resource)
      }
      keep { $0.knowledge.forbidden[right] = (missing, $1) }
    case .rejections:
      let rejections = await rejections()
      keep { state, now in
        state.rejectionsAt = now
        if let rejections { state.knowledge.rejections = rejections }
      }
    }
  }

  private func keep(_ change: (inout State, Moment) -> Void) {
    let now = time.now
    state.withLock { state in
      change(&state, now)
      // Answers to questions that nobody asks any more.
      let limit = Self.lifetime * 2
      if state.knowledge.verdicts.count > 1000 {
        state.knowledge.verdicts = state.knowledge.verdicts.filter { now - $0.value.at < limit }
      }
      if state.knowledge.forbidden.count > 1000 {
        state.knowledge.forbidden = state.knowledge.forbidden.filter { now - $0.value.at < limit }
      }
    }
  }

  // MARK: The API server

  /// - Returns: `nil` if the API server does not say, or we may not ask.
  private func mayList(_ resource: String, _ group: String, _ right: ScrapeKnowledge.Right, _ account: String) async -> Bool? {
    let namespace = right.prometheus.namespace
    let review: JSONValue = [
      "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
      "spec": [
        "user": .string("system:serviceaccount:\(namespace):\(account)"),
        "groups": ["system:serviceaccounts", .string("system:serviceaccounts:\(namespace)"), "system:authenticated"],
        "resourceAttributes": [
          "group": .string(group), "resource": .string(resource), "verb": "list", "namespace": .string(right.namespace),
        ],
      ],
    ]
    let answer = try? await client.create(review)
    return answer?["status"]?["allowed"]?.bool
  }

  /// The operator's Events about monitors that it refuses. `nil` if we may not read them.
  private func rejections() async -> [ScrapeKnowledge.Rejections: MonitorRejection]? {
    guard let list = try? await client.list(.events, Selection(fields: "reason=InvalidConfiguration")) else { return nil }
    return Dictionary(list.items.compactMap(MonitorRejection.of)) { $1 }
  }
}

extension DiscoveryRole {
  /// What service discovery lists, with the API group.
  fileprivate var resources: [(group: String, resource: String)] {
    switch self {
    case .pod: [("", "pods")]
    case .endpoints: [("", "pods"), ("", "services"), ("", "endpoints")]
    case .endpointSlice: [("", "pods"), ("", "services"), ("discovery.k8s.io", "endpointslices")]
    }
  }
}

extension MonitorRejection {
  /// An Event of the Prometheus Operator: `regarding` is the monitor, `related` the Prometheus object.
  static func of(_ event: JSONValue) -> (ScrapeKnowledge.Rejections, MonitorRejection)? {
    guard event["reason"]?.string == "InvalidConfiguration", let regarding = event["regarding"], let related = event["related"],
      let kind = regarding["kind"]?.string.flatMap(MonitorID.Kind.init(rawValue:)),
      let prometheus = related["kind"]?.string.flatMap(PrometheusID.Kind.init(rawValue:))
    else { return nil }
    let monitor = MonitorID(kind, namespace: regarding["namespace"]?.string ?? "", name: regarding["name"]?.string ?? "")
    let object = PrometheusID(prometheus, namespace: related["namespace"]?.string ?? "", name: related["name"]?.string ?? "")
    return (.init(monitor: monitor, prometheus: object), MonitorRejection(message: event["note"]?.string ?? ""))
  }
}
