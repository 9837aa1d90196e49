/// What the user chooses about rolls.
package struct RollSettings: Hashable, Sendable {
  /// For so long after its start a container need not be collected.
  package var grace: Duration
  /// A node that one of these selects is virtual.
  package var virtualNodes: [LabelSelector]

  package init(grace: Duration, virtualNodes: [LabelSelector]) {
    self.grace = grace
    self.virtualNodes = virtualNodes
  }
}
