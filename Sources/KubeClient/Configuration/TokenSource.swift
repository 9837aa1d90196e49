internal import Logging
internal import Synchronization

/// The bearer token of a file that is rotated while we run.
///
/// The file is read again when the last reading is `period` old, so a rotated token is in use within that time. Where the file is empty
/// or cannot be read, the token that we have stays in use, with one warning in the log.
final class TokenSource: Sendable {
  /// Kubernetes gives a minute; half of it leaves room for a request that is prepared now and sent a little later.
  static let period: Duration = .seconds(30)

  private struct State {
    var token: Secret?
    /// `nil` asks for a reading at the next use.
    var readAt: Duration?
    var isFailing = false
  }

  private let path: String
  private let elapsed: @Sendable () -> Duration
  private let logger: Logger
  private let state: Mutex<State>

  /// - Parameter elapsed: time on a monotonic clock, from any beginning.
  init(path: String, initial: Secret?, elapsed: @escaping @Sendable () -> Duration, logger: Logger) {
    self.path = path
    self.elapsed = elapsed
    self.logger = logger
    self.state = Mutex(State(token: initial))
  }

  /// The token to send now.
  /// - Throws: `ConfigurationError.unreadable` if there never was one to read.
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

  /// Has the next `current()` read the file: the server refused the token that we have.
  func invalidate() {
    state.withLock { $0.readAt = nil }
  }

  private func read() throws(ConfigurationError) -> Secret {
    let bytes = try readFile(path, usedBy: "token file")
    let token = bytes.split(whereSeparator: Self.isWhitespace)
    switch token.count {
    case 0: throw .unreadable(path: path, usedBy: "token file", reason: "it is empty")
    case 1: return Secret(token[0])
    // A line break in a header would begin another header.
    default: throw .unreadable(path: path, usedBy: "token file", reason: "it has white space within the token")
    }
  }

  /// Space and all control characters.
  private static func isWhitespace(_ byte: UInt8) -> Bool {
    byte <= 0x20 || byte == 0x7F
  }
}
