internal import Logging
internal import Synchronization

/// Says in the log when the receiver stops taking requests and when it takes them again; not each time.
final class Reachability: Sendable {
  private enum Kind { case taking, refusing, failing }

  private let last = Mutex<Kind?>(nil)
  private let logger: Logger
  private let url: String

  init(logger: Logger, url: String) {
    self.logger = logger
    self.url = url
  }

  func note(_ verdict: Verdict) {
    let kind: Kind =
      switch verdict {
      case .taken: .taking
      case .refused: .refusing
      case .again: .failing
      }
    let changed = last.withLock { last in
      defer { last = kind }
      return last != kind
    }
    guard changed else { return }
    switch verdict {
    case .taken: logger.info("push receiver takes samples", metadata: ["url": "\(url)"])
    case .refused(let reason):
      logger.error(
        "push receiver refuses samples; they are counted and not sent again", metadata: ["url": "\(url)", "reason": "\(reason)"])
    case .again(let reason, _):
      logger.warning("push receiver does not take samples; they wait", metadata: ["url": "\(url)", "reason": "\(reason)"])
    }
  }
}
