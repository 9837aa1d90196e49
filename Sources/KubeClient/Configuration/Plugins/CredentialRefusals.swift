/// When a refused credential is worth fetching anew (R22): at once the first time, and then with a back-off, since a server that refuses one
/// fresh credential after the other is not helped by a program run for every request.
struct CredentialRefusals {
  /// The shortest and the longest time between two refreshes; each is twice the one before. Plugins often ask a service of the cloud
  /// provider's, which counts; a minute at most, as for a token in a file (R20).
  static let pauses: ClosedRange<Duration> = .seconds(5) ... .seconds(60)
  /// A credential that was good for so long is refused for another reason than the one before.
  static let reset: Duration = .seconds(180)

  private var refreshedAt: Duration?
  private var pause: Duration = .zero

  /// - Parameter now: on a monotonic clock.
  /// - Returns: Whether a refusal now is to be followed by a refresh; it is then counted as one.
  mutating func isRefreshDue(at now: Duration) -> Bool {
    let since = refreshedAt.map { now - $0 } ?? Self.reset
    guard since >= pause else { return false }
    pause = since >= Self.reset ? Self.pauses.lowerBound : min(max(pause * 2, Self.pauses.lowerBound), Self.pauses.upperBound)
    refreshedAt = now
    return true
  }
}
