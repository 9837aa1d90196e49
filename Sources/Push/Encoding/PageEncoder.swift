internal import Exposition

/// Turns pages into the requests of one kind of receiver.
protocol PageEncoder: Sendable {
  /// Samples in the request that is being filled.
  var samples: Int { get }
  /// Adds a whole page, or nothing of it where it is not the text format.
  mutating func add(_ page: PushedPage, limits: ExpositionLimits) throws(ExpositionError)
  /// Adds what says that nothing more will come of this owner.
  mutating func end(_ owner: String, at unixMilliseconds: Int64)
  /// The request, and an empty one to go on with.
  mutating func takeBlock() -> PushBlock
}

/// A page of metrics to be pushed.
package struct PushedPage: Sendable {
  /// Whose page it is: each page takes the place of the owner's last one.
  package var owner: String
  /// The text format, with all labels in place.
  package var text: [UInt8]
  /// When it was collected, in milliseconds since 1970.
  package var collectedAt: Int64
  /// What Open-Falcon shows the values under, unless they have a label `node`.
  package var endpoint: String

  package init(owner: String, text: [UInt8], collectedAt: Int64, endpoint: String) {
    self.owner = owner
    self.text = text
    self.collectedAt = collectedAt
    self.endpoint = endpoint
  }
}
