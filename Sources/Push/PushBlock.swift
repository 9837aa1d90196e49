/// The body of one request as it goes over the wire, and how many samples it carries.
struct PushBlock: Equatable, Sendable {
  var bytes: [UInt8]
  var samples: Int
}
