/// How a reflector stands with the API server, for readiness.
public enum ReflectorStatus: Hashable, Sendable {
  /// The store has a whole list and the watch goes on, or is between two streams as it should.
  case synced
  /// Not in touch, or not yet, and why; the store keeps what it has.
  case waiting(reason: String)
}
