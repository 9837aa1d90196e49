package import JSON
package import KubeClient
internal import Primitives

/// A label selector in an object: `matchLabels` and `matchExpressions`, which must all hold. `{}` selects everything.
package struct ObjectSelector: Hashable, Sendable {
  /// How the scraper applies the selector of a monitor.
  package enum Mechanism: Hashable, Sendable {
    /// As the API server does.
    case labels
    /// As relabel rules, which the Prometheus Operator makes of it: characters of a key that no Prometheus label can have become `_`, and
    /// values are regular expressions without escaping. Values of valid selectors contain one metacharacter, the dot.
    case relabeling
  }

  fileprivate struct Requirement: Hashable {
    var key: String
    var `operator`: UnmetRequirement.Operator
    var values: [String]
    /// The UTF-8 of the key, as each mechanism compares it.
    var keyBytes: [UInt8]
    var sanitizedKey: [UInt8]
    var valueBytes: [[UInt8]]

    init(key: String, _ operator: UnmetRequirement.Operator, _ values: [String]) {
      self.key = key
      self.operator = `operator`
      self.values = values
      keyBytes = Array(key.utf8)
      sanitizedKey = key.utf8.map(sanitized)
      valueBytes = values.map { Array($0.utf8) }
    }
  }

  private var requirements: [Requirement] = []
  /// Whether it is a selector at all. One that is not selects nothing: the operator rejects the monitor, or fails to reconcile the
  /// Prometheus object.
  package private(set) var isValid = true

  /// Selects everything.
  package init() {}

  /// - Returns: `nil` for a missing selector and for `null`, which most fields treat as selecting nothing.
  package init?(_ json: JSONValue?) {
    guard let json, json != .null else { return nil }
    for (key, value) in (json["matchLabels"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      add(key, .isIn, [value.string ?? ""])
    }
    for expression in json["matchExpressions"]?.array ?? [] {
      guard let name = expression["operator"]?.string, let known = UnmetRequirement.Operator(rawValue: name) else {
        isValid = false
        continue
      }
      add(expression["key"]?.string ?? "", known, (expression["values"]?.array ?? []).map { $0.string ?? "" })
    }
  }

  private mutating func add(_ key: String, _ operator: UnmetRequirement.Operator, _ values: [String]) {
    let wantsValues = `operator` == .isIn || `operator` == .isNotIn
    if wantsValues == values.isEmpty || !(values.isEmpty ? [""] : values).allSatisfy({ LabelSelector.isLabel(key: key, value: $0) }) {
      isValid = false
    }
    requirements.append(Requirement(key: key, `operator`, values))
  }
}

extension ObjectSelector {
  package func matches(_ labels: PackedLabels, as mechanism: Mechanism) -> Bool {
    isValid && requirements.allSatisfy { $0.isMet(by: labels, as: mechanism) }
  }

  /// Like `matches`, for labels in two parts.
  package func matches(_ labels: PackedLabels, and others: [String: String], as mechanism: Mechanism) -> Bool {
    if others.isEmpty { return matches(labels, as: mechanism) }
    return matches(PackedLabels(labels.dictionary.merging(others) { $1 }), as: mechanism)
  }

  /// The requirements that are not met, each with the label's value.
  package func unmet(by labels: PackedLabels, as mechanism: Mechanism = .labels) -> [UnmetRequirement] {
    requirements.filter { !$0.isMet(by: labels, as: mechanism) }.map {
      UnmetRequirement(key: $0.key, operator: $0.operator, values: $0.values, actual: labels[$0.key])
    }
  }

  /// The number of requirements.
  package var count: Int { requirements.count }

  /// Whether a requirement is on a label that the Pods of a workload do not share.
  package var usesOwnLabels: Bool { requirements.contains { PodRecord.isOwnLabel($0.key) } }
}

extension ObjectSelector.Requirement {
  fileprivate func isMet(by labels: PackedLabels, as mechanism: ObjectSelector.Mechanism) -> Bool {
    var isPresent = false
    var hasValue = false
    labels.forEach { key, value in
      guard mechanism == .labels ? key.elementsEqual(keyBytes) : isSanitized(key, sanitizedKey) else { return true }
      isPresent = true
      hasValue = hasValue || valueBytes.contains { mechanism == .labels ? value.elementsEqual($0) : isMatch(value, pattern: $0) }
      // Several keys can be one after sanitizing. Prometheus keeps one of them, and not always the same.
      return mechanism == .relabeling
    }
    return switch self.operator {
    case .isIn: isPresent && hasValue
    case .isNotIn: !(isPresent && hasValue)
    case .exists: isPresent
    case .doesNotExist: !isPresent
    }
  }
}

/// Whether the bytes are equal, where a dot in the pattern stands for any byte.
private func isMatch(_ value: UnsafeRawBufferPointer, pattern: [UInt8]) -> Bool {
  value.count == pattern.count && zip(value, pattern).allSatisfy { $0 == $1 || $1 == UInt8(ascii: ".") }
}

private func isSanitized(_ key: UnsafeRawBufferPointer, _ wanted: [UInt8]) -> Bool {
  key.count == wanted.count && zip(key, wanted).allSatisfy { sanitized($0) == $1 }
}

/// Source: `SanitizeLabelName` in util/strutil/strconv.go of Prometheus.
func sanitized(_ byte: UInt8) -> UInt8 {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
  default: UInt8(ascii: "_")
  }
}
