/// The body of one request as it goes over the wire, and what it carries.
struct PushBlock: Equatable, Sendable {
  var bytes: [UInt8]
  var samples: Int
  /// The time of its newest sample, in milliseconds since 1970.
  var newest: Int64
}
