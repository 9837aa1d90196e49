internal import Primitives
internal import Roll

/// Limits how many unknown tokens a client may try: `burst` at once, and one more every `interval`. Pure: takes the time as an argument.
struct AttemptLimiter: Sendable {
  static let burst = 20
  static let interval: Duration = .milliseconds(500)
  /// After this many clients within the time of a burst, all are forgotten: their addresses must not fill memory.
  static let maximumClients = 4096

  /// When each client has all its attempts again.
  private var recovered: [IPAddress?: Moment] = [:]

  mutating func admits(_ client: IPAddress?, at now: Moment) -> Bool {
    let client = client?.network
    let start = max(recovered[client] ?? now, now)
    guard start - now <= Self.interval * (Self.burst - 1) else { return false }
    if recovered[client] == nil, recovered.count >= Self.maximumClients {
      recovered = recovered.filter { $0.value > now }
      if recovered.count >= Self.maximumClients { recovered = [:] }
    }
    recovered[client] = start + Self.interval
    return true
  }
}

extension IPAddress {
  /// The part that one host cannot change at will: all of an IPv4 address, and the first 64 bits of an IPv6 address.
  fileprivate var network: IPAddress {
    v6.map { IPAddress(v6: (high: $0.high, low: 0)) } ?? self
  }
}
