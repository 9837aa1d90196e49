import Logging
import Roll

/// What opened and closed, for the log: a line for each gap, or one for all gaps of a node with the same news where these are many.
struct GapLog {
  let logger: Logger

  /// Above so many, gaps of one node with the same news share a line.
  static let linesOfANode = 3

  /// What gaps that share a line have in common.
  private struct News: Hashable {
    var node: String
    var source: Source
    var kind: GapKind
    var reason: Reason
    /// `nil` if they opened.
    var end: GapEnd?

    init(_ transition: GapTransition) {
      node = transition.gap.node
      source = transition.gap.source
      kind = transition.gap.kind
      reason = transition.gap.reason
      if case .closed(let end, _) = transition.change { self.end = end }
    }
  }

  func log(_ transitions: [GapTransition]) {
    var order: [News] = []
    var shared: [News: [GapTransition]] = [:]
    for transition in transitions {
      let news = News(transition)
      if shared[news] == nil { order.append(news) }
      shared[news, default: []].append(transition)
    }
    for news in order {
      let transitions = shared[news] ?? []
      if transitions.count > Self.linesOfANode {
        log(transitions, of: news)
      } else {
        for transition in transitions { log([transition], of: news) }
      }
    }
  }

  /// One line. Of several gaps the container, the detail and the age are those of the one that is open for longest.
  private func log(_ transitions: [GapTransition], of news: News) {
    guard let oldest = transitions.min(by: { $0.gap.since < $1.gap.since }) else { return }
    let container = oldest.gap.container
    var metadata: Logger.Metadata = [
      "container": "\(container.namespace)/\(container.pod)/\(container.container)", "node": "\(news.node)",
      "source": "\(news.source.rawValue)", "kind": "\(news.kind.rawValue)", "reason": "\(news.reason.rawValue)",
    ]
    let isOne = transitions.count == 1
    if !isOne { metadata["gaps"] = "\(transitions.count)" }
    switch oldest.change {
    case .opened:
      metadata["detail"] = "\(oldest.gap.detail)"
      metadata["age"] = "\((oldest.at - oldest.gap.since).inWholeSeconds.text)"
      logger.warning(isOne ? "gap opened" : "gaps opened", metadata: metadata)
    case .closed(let end, let length):
      metadata["after"] = "\(length.inWholeSeconds.text)"
      metadata["because"] = "\(end.text)"
      logger.notice(isOne ? "gap closed" : "gaps closed", metadata: metadata)
    }
  }
}

extension GapEnd {
  /// For people.
  var text: String {
    switch self {
    case .recovered: "it is seen again"
    case .leftRoll: "the container is gone; nobody saw it again"
    case .exempt(let exemption): "the container need not be collected any more: \(exemption.rawValue)"
    case .replaced: "another instance has taken the container's place"
    case .superseded: "another gap of the container has taken its place"
    }
  }
}
