/// What a relabel rule does. Source: Prometheus's configuration, `<relabel_config>`.
package enum RelabelAction: String, CaseIterable, Hashable, Sendable {
  case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase
}

/// One entry of `relabel_configs`, with Prometheus's defaults.
package struct RelabelRule: Hashable, Sendable {
  package var action = RelabelAction.replace
  package var sourceLabels: [String] = []
  package var separator = ";"
  /// Anchored at both ends.
  package var regex = "(.*)"
  /// Only for `hashmod`.
  package var modulus: UInt64 = 0
  package var targetLabel = ""
  package var replacement = "$1"

  package init(
    _ action: RelabelAction = .replace, sourceLabels: [String] = [], separator: String = ";", regex: String = "(.*)", modulus: UInt64 = 0,
    targetLabel: String = "", replacement: String = "$1"
  ) {
    self.action = action
    self.sourceLabels = sourceLabels
    self.separator = separator
    self.regex = regex
    self.modulus = modulus
    self.targetLabel = targetLabel
    self.replacement = replacement
  }
}

extension RelabelRule: CustomStringConvertible {
  /// The fields that differ from their defaults, as in a configuration: `drop source_labels=[a, b] regex="x.*"`.
  package var description: String {
    let defaults = RelabelRule()
    var parts = [action.rawValue]
    if !sourceLabels.isEmpty { parts.append("source_labels=[\(sourceLabels.joined(separator: ", "))]") }
    if separator != defaults.separator { parts.append("separator=\"\(separator)\"") }
    if regex != defaults.regex { parts.append("regex=\"\(regex)\"") }
    if modulus != defaults.modulus { parts.append("modulus=\(modulus)") }
    if !targetLabel.isEmpty { parts.append("target_label=\"\(targetLabel)\"") }
    if replacement != defaults.replacement { parts.append("replacement=\"\(replacement)\"") }
    return parts.joined(separator: " ")
  }
}

/// What differs between releases of Prometheus.
package struct RelabelDialect: Hashable, Sendable {
  /// `.` matches a line feed. Since 3.0.
  package var dotMatchesNewline: Bool
  /// A label's name may be any text that is not empty, instead of `[a-zA-Z_][a-zA-Z0-9_]*`. Since 3.0.
  package var allowsUTF8Names: Bool
  /// An empty result of `replace` deletes the label that the target expands to, not the one of the target's literal text. Since 2.50.
  package var deletesExpandedTarget: Bool

  package init(dotMatchesNewline: Bool, allowsUTF8Names: Bool, deletesExpandedTarget: Bool) {
    self.dotMatchesNewline = dotMatchesNewline
    self.allowsUTF8Names = allowsUTF8Names
    self.deletesExpandedTarget = deletesExpandedTarget
  }

  /// - Parameters: a release of Prometheus.
  package init(major: Int, minor: Int) {
    self.init(
      dotMatchesNewline: major >= 3, allowsUTF8Names: major >= 3, deletesExpandedTarget: major >= 3 || major == 2 && minor >= 50)
  }

  /// A current release.
  package static let current = RelabelDialect(major: 3, minor: 0)
}
