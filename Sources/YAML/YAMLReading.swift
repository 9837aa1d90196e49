internal import JSON

// Typed access to values, for settings files and kubeconfigs. Each function returns the expected value or throws an error with its
// position.

extension YAMLNode {
  /// True for an empty value, `~` and `null`.
  package var isNull: Bool {
    guard case .scalar(let scalar) = kind else { return false }
    return scalar.value == .null
  }

  /// The text of a scalar as written, e.g. `1.10`, even if it could be a number.
  package func text() throws(YAMLError) -> String {
    guard case .scalar(let scalar) = kind, !isNull else { throw expected("text") }
    return scalar.text
  }

  /// As in YAML 1.2, `yes`, `no`, `on` and `off` are not booleans.
  package func bool() throws(YAMLError) -> Bool {
    guard case .scalar(let scalar) = kind, let value = scalar.value.bool else { throw expected("true or false", quoting: true) }
    return value
  }

  package func integer(in range: ClosedRange<Int64> = Int64.min...Int64.max) throws(YAMLError) -> Int64 {
    guard case .scalar(let scalar) = kind, case .integer(let value) = scalar.value else { throw expected("a whole number", quoting: true) }
    guard range.contains(value) else { throw expected("a whole number from \(range.lowerBound) to \(range.upperBound)", quoting: true) }
    return value
  }

  /// A finite number.
  package func number() throws(YAMLError) -> Double {
    guard case .scalar(let scalar) = kind, let value = scalar.value.number, value.isFinite else {
      throw expected("a number", quoting: true)
    }
    return value
  }

  package func elements() throws(YAMLError) -> [YAMLNode] {
    guard case .sequence(let elements) = kind else { throw expected("a sequence (lines that begin with -)") }
    return elements
  }

  package func mapping() throws(YAMLError) -> YAMLMapping {
    guard case .mapping(let mapping) = kind else { throw expected("a mapping (key: value)") }
    return mapping
  }

  /// The error for an unexpected value.
  /// - Parameter quoting: whether to quote the value. Only for expected values that are never secret.
  private func expected(_ what: String, quoting: Bool = false) -> YAMLError {
    let found =
      switch kind {
      case .sequence: "a sequence"
      case .mapping: "a mapping"
      case .scalar where isNull: "nothing"
      case .scalar(let scalar) where quoting && scalar.text.utf8.count <= 40:
        scalar.style == .quoted ? "the quoted string \"\(scalar.text)\"" : "\"\(scalar.text)\""
      case .scalar: "text"
      }
    return YAMLError(.reading, at: mark, "expected \(what), found \(found)", "write \(what)")
  }
}

extension YAMLMapping {
  /// The value of an optional key; `nil` if it is missing or null.
  package func optional(_ key: String) -> YAMLNode? {
    guard let value = self[key], !value.isNull else { return nil }
    return value
  }

  /// The value of a required key.
  package func required(_ key: String) throws(YAMLError) -> YAMLNode {
    guard let value = optional(key) else {
      throw YAMLError(.reading, at: self[key]?.mark ?? mark, "\(key) is missing", "add \(key): and its value")
    }
    return value
  }

  /// Throws if the mapping has an unknown key, so that a misspelled setting does not go unnoticed.
  package func refuseKeys(otherThan known: [String]) throws(YAMLError) {
    guard let unknown = entries.first(where: { !known.contains($0.key) }) else { return }
    throw YAMLError(
      .reading, at: unknown.keyMark, "unknown setting \"\(unknown.key)\"", "use one of: \(known.sorted().joined(separator: ", "))")
  }
}
