/// How long a lease lasts and how often it is renewed (R30).
public struct LeaseTiming: Hashable, Sendable {
  /// For how long others must see the lease unchanged before they may take it; whole seconds, as the Lease has it.
  public var duration: Duration = .seconds(15)
  /// For how long after the start of the last successful renewal the leader leads. The five seconds up to `duration` are for clocks that
  /// run at different speeds and for writes that are under way.
  public var renewDeadline: Duration = .seconds(10)
  /// Between two attempts: five fit into `renewDeadline`.
  public var retry: Duration = .seconds(2)
  /// For one request: one that hangs leaves time for another before `renewDeadline`.
  public var request: Duration = .seconds(4)

  public init() {}
}
