/// What a reflector has done since it started, for metrics. All only grow.
public struct WatchStatistics: Hashable, Sendable {
  /// Whole lists that replaced the store's content.
  public internal(set) var lists = 0
  /// Of those lists, the ones that came as the initial events of a watch.
  public internal(set) var initialEvents = 0
  /// Times that initial events were asked for and did not come to their end, so that a plain list followed.
  public internal(set) var initialEventsRefused = 0
  /// Watches that the server accepted.
  public internal(set) var watches = 0
  /// Changes received by watch.
  public internal(set) var changes = 0
  /// Watches and lists that asked for a version which the server no longer knew.
  public internal(set) var expirations = 0
  /// Attempts that failed and were followed by a wait, unreadable answers among them.
  public internal(set) var failures = 0
  /// Answers and events that could not be decoded or were too large.
  public internal(set) var unreadable = 0
}
