internal import Logging
internal import Synchronization

/// The bearer token of a file that is rotated at run time.
///
/// Reads the file again every `period`, so a rotated token is used within that time. While the file is empty or unreadable, the last token
/// stays in use, and a warning is logged once.
final class TokenSource: Sendable {
  /// Kubernetes accepts the old token for a minute. Half of it leaves time for a request that is prepared now and sent later.
  static let period: Duration = .seconds(30)

  private struct State {
    var token: Secret?
    /// `nil` forces a read at the next use.
    var readAt: Duration?
    var isFailing = false
  }

  private let path: String
  private let elapsed: @Sendable () -> Duration
  private let logger: Logger
  private let state: Mutex<State>

  /// - Parameter elapsed: a monotonic clock with any origin.
  init(path: String, initial: Secret?, elapsed: @escaping @Sendable () -> Duration, logger: Logger) {
    self.path = path
    self.elapsed = elapsed
    self.logger = logger
    self.state = Mutex(State(token: initial))
  }

  /// Returns the token to send now.
  /// - Throws: `ConfigurationError.unreadable` if no token has been read yet.
  func current() throws(ConfigurationError) -> Secret {
    try state.withLock { state throws(ConfigurationError) in
      let now = elapsed()
      if let token = state.token, let readAt = state.readAt, now - readAt < Self.period { return token }
      state.readAt = now
      do throws(ConfigurationError) {
        let token = try read()
        if state.isFailing { logger.info("token file is readable again", metadata: ["path": "\(path)"]) }
        state.isFailing = false
        state.token = token
        return token
      } catch {
        guard let token = state.token else { throw error }
        if !state.isFailing { logger.warning("token file not readable, keeping the old token", metadata: ["error": "\(error)"]) }
        state.isFailing = true
        return token
      }
    }
  }

  /// Makes the next `current()` read the file. Call when the server refuses the token.
  func invalidate() {
    state.withLock { $0.readAt = nil }
  }

  private func read() throws(ConfigurationError) -> Secret {
    let bytes = try readFile(path, usedBy: "token file")
    let token = bytes.split(whereSeparator: Self.isWhitespace)
    switch token.count {
    case 0: throw .unreadable(path: path, usedBy: "token file", reason: "it is empty")
    case 1: return Secret(token[0])
    // A line break would start another header.
    default: throw .unreadable(path: path, usedBy: "token file", reason: "it has white space within the token")
    }
  }

  /// Space and control characters.
  private static func isWhitespace(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == 0x7F
  }
}
