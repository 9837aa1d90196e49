/// Why a policy is not accepted.
package struct PolicyProblem: Error, Hashable, Sendable, CustomStringConvertible {
  /// For conditions.
  package enum Reason: String, Hashable, Sendable {
    case invalid = "Invalid"
    case unknownField = "UnknownField"
    case thresholdTooShort = "ThresholdTooShort"
  }

  package var reason: Reason
  /// The path of the field, such as `spec.effects.threshold`.
  package var field: String
  package var text: String

  package init(_ field: String, _ text: String, reason: Reason = .invalid) {
    self.reason = reason
    self.field = field
    self.text = text
  }

  package var description: String { "\(field): \(text)" }
}
