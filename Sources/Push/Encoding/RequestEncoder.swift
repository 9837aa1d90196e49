/// Turns pages into the requests of one kind of receiver.
protocol RequestEncoder: Sendable {
  /// Samples in the request that is being filled.
  var samples: Int { get }
  /// Adds a page.
  /// - Returns: the requests that became full, in order.
  mutating func add(_ page: PushedPage) -> [PushBlock]
  /// Adds what says that nothing more will come of this owner.
  mutating func end(_ owner: String, at unixMilliseconds: Int64) -> [PushBlock]
  /// Owners are not known any more, and not ended either: somebody else pushes them now.
  mutating func forgetOwners()
  /// The request that is being filled, and an empty one to go on with; `nil` where nothing is in it.
  mutating func takeBlock() -> PushBlock?
}
