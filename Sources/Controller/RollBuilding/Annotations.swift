/// The annotations that we read.
package enum Annotations {
  static let prefix = "rollcall.dev/"

  /// On a Pod: `"true"` exempts its containers.
  package static let ignore = "rollcall.dev/ignore"
  /// On a Node: where it is reached, instead of its own addresses.
  package static let address = "rollcall.dev/address"

  /// What a record has to keep.
  package static let keptPrefixes = [prefix]
}
