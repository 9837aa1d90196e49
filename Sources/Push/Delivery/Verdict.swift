/// What came of one request.
enum Verdict: Equatable, Sendable {
  case taken
  /// It will never be taken.
  case refused(String)
  /// It may be taken later, not before `after` if the receiver said so.
  case again(String, after: Duration?)

  /// The rules of remote write: 5xx and 429 are tried again, other statuses than 2xx are not.
  ///
  /// Source: https://prometheus.io/docs/specs/prw/remote_write_spec/#retries-backoff
  init(status: Int, retryAfter: String?, body: String) {
    switch status {
    case 200..<300: self = .taken
    case 429, 500..<600: self = .again("status \(status): \(body)", after: retryAfter.flatMap(Self.seconds))
    default: self = .refused("status \(status): \(body)")
    }
  }

  /// Of `Retry-After`, its form in seconds only; an hour at most, so that a receiver's mistake does not end the pushing.
  private static func seconds(_ header: String) -> Duration? {
    guard let seconds = Int(header), seconds >= 0 else { return nil }
    return .seconds(min(seconds, 3600))
  }
}
