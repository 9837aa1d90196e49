package import Roll

/// Calls the roll of one node once, in the way of one source.
package protocol NodeCollector: Sendable {
  /// One outcome for each entry of the roll, in its order. Never throws: a failure is the outcome of the containers that it concerns.
  /// Ends early when the task is cancelled; the answers are then worth nothing.
  func call(_ roll: NodeRoll) async -> RollCall
}
