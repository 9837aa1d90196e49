internal import JSON

// How settings files and kubeconfigs are read: each function either gives what its caller wants, or an error that names the place.

extension YAMLNode {
  /// Nothing, `~` or `null`.
  package var isNull: Bool {
    guard case .scalar(let scalar) = kind else { return false }
    return scalar.value == .null
  }

  /// The text of a scalar as written: `1.10` is `1.10`, whatever number it may also be.
  package func text() throws(YAMLError) -> String {
    guard case .scalar(let scalar) = kind, !isNull else { throw wanted("text") }
    return scalar.text
  }

  /// `yes`, `no`, `on` and `off` are no truth values, as in YAML 1.2.
  package func bool() throws(YAMLError) -> Bool {
    guard case .scalar(let scalar) = kind, let value = scalar.value.bool else { throw wanted("true or false", showing: true) }
    return value
  }

  package func integer(in range: ClosedRange<Int64> = Int64.min...Int64.max) throws(YAMLError) -> Int64 {
    guard case .scalar(let scalar) = kind, case .integer(let value) = scalar.value else { throw wanted("a whole number", showing: true) }
    guard range.contains(value) else { throw wanted("a whole number from \(range.lowerBound) to \(range.upperBound)", showing: true) }
    return value
  }

  /// A finite number.
  package func number() throws(YAMLError) -> Double {
    guard case .scalar(let scalar) = kind, let value = scalar.value.number, value.isFinite else { throw wanted("a number", showing: true) }
    return value
  }

  /// The elements of a sequence.
  package func elements() throws(YAMLError) -> [YAMLNode] {
    guard case .sequence(let elements) = kind else { throw wanted("a sequence (lines that begin with -)") }
    return elements
  }

  package func mapping() throws(YAMLError) -> YAMLMapping {
    guard case .mapping(let mapping) = kind else { throw wanted("a mapping (key: value)") }
    return mapping
  }

  /// The error for a value that is not what its reader wants.
  /// - Parameter showing: whether to quote what was found; only where no secret is ever wanted.
  private func wanted(_ what: String, showing: Bool = false) -> YAMLError {
    let found =
      switch kind {
      case .sequence: "a sequence"
      case .mapping: "a mapping"
      case .scalar where isNull: "nothing"
      case .scalar(let scalar) where showing && scalar.text.utf8.count <= 40:
        scalar.style == .quoted ? "the text \"\(scalar.text)\" in quotes" : "\"\(scalar.text)\""
      case .scalar: "text"
      }
    return YAMLError(.reading, at: mark, "found \(found) where \(what) is wanted", "write \(what)")
  }
}

extension YAMLMapping {
  /// The value of a key that may be missing; `nil` also where it is null.
  package func optional(_ key: String) -> YAMLNode? {
    guard let value = self[key], !value.isNull else { return nil }
    return value
  }

  /// The value of a key that has to be there.
  package func required(_ key: String) throws(YAMLError) -> YAMLNode {
    guard let value = optional(key) else {
      throw YAMLError(.reading, at: self[key]?.mark ?? mark, "\(key) is missing", "write \(key): and its value")
    }
    return value
  }

  /// For files of ours, where a misspelt key must not go unnoticed.
  package func refuseKeys(otherThan known: [String]) throws(YAMLError) {
    guard let stranger = entries.first(where: { !known.contains($0.key) }) else { return }
    throw YAMLError(
      .reading, at: stranger.keyMark, "there is no setting \"\(stranger.key)\"", "use one of: \(known.sorted().joined(separator: ", "))")
  }
}
