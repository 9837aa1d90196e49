import JSON

/// Validation of the metadata of every object. Source: k8s.io/apimachinery/pkg/api/validation.
enum MetadataRules {
  static func problems(in object: JSONValue, kind: ResourceKind) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    let name = object.name
    if name.isEmpty {
      problems.append(FieldProblem(field: "metadata.name", reason: .required, detail: "name or generateName is required"))
    } else if let detail = kind.naming.problem(in: name) {
      problems.append(FieldProblem(field: "metadata.name", reason: .invalid, value: name, detail: detail))
    }
    for (key, value) in (object["metadata"]?["labels"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      if let detail = problemInKey(key) {
        problems.append(FieldProblem(field: "metadata.labels", reason: .invalid, value: key, detail: detail))
      }
      let text = value.string ?? ""
      if let detail = problemInLabelValue(text) {
        problems.append(FieldProblem(field: "metadata.labels", reason: .invalid, value: text, detail: detail))
      }
    }
    var annotationBytes = 0
    for (key, value) in (object["metadata"]?["annotations"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      annotationBytes += key.utf8.count + (value.string?.utf8.count ?? 0)
      if let detail = problemInKey(key.lowercased()) {
        problems.append(FieldProblem(field: "metadata.annotations", reason: .invalid, value: key, detail: detail))
      }
    }
    if annotationBytes > 262_144 {
      problems.append(FieldProblem(field: "metadata.annotations", reason: .tooLong, detail: "may not be more than 262144 bytes"))
    }
    return problems
  }

  static func problemInLabelValue(_ value: String) -> String? {
    if value.utf8.count > 63 { return "must be no more than 63 characters" }
    if value.isEmpty || isQualifiedPart(value[...]) { return nil }
    return """
      a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
      alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
      '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
      """
  }

  /// - Returns: the problem with the key of a label or an annotation.
  static func problemInKey(_ key: String) -> String? {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count > 2 { return "a qualified name must have at most one '/'" }
    if parts.count == 2, NamePolicy.subdomain.problem(in: String(parts[0])) != nil {
      return "prefix part a lowercase RFC 1123 subdomain is expected"
    }
    let name = parts[parts.count - 1]
    if name.isEmpty { return "name part must be non-empty" }
    if name.utf8.count > 63 { return "name part must be no more than 63 characters" }
    if isQualifiedPart(name) { return nil }
    return """
      name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
      (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
      """
  }

  private static func isQualifiedPart(_ text: Substring) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
    return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
  }
}

/// The rule for the names of a kind. Source: k8s.io/apimachinery/pkg/util/validation.
enum NamePolicy: Sendable {
  /// A DNS-1123 subdomain of at most 253 characters.
  case subdomain
  /// A DNS-1123 label of at most 63 characters.
  case label
  /// A DNS-1035 label of at most 63 characters: it starts with a letter.
  case serviceLabel
  /// Anything that is one segment of a path, as for RBAC's objects.
  case pathSegment

  /// - Returns: the problem with the name, if any.
  func problem(in name: String) -> String? {
    switch self {
    case .subdomain:
      if name.utf8.count > 253 { return "must be no more than 253 characters" }
      let labels = name.split(separator: ".", omittingEmptySubsequences: false)
      return labels.allSatisfy { Self.isLabel($0) } ? nil : Self.subdomainText
    case .label:
      if name.utf8.count > 63 { return "must be no more than 63 characters" }
      return Self.isLabel(name[...]) ? nil : Self.labelText
    case .serviceLabel:
      if name.utf8.count > 63 { return "must be no more than 63 characters" }
      let startsWithLetter = name.utf8.first.map { UInt8(ascii: "a")...UInt8(ascii: "z") ~= $0 } ?? false
      return startsWithLetter && Self.isLabel(name[...]) ? nil : Self.serviceLabelText
    case .pathSegment:
      if name == "." || name == ".." { return "may not be '\(name)'" }
      return name.contains("/") || name.contains("%") ? "may not contain '/' or '%'" : nil
    }
  }

  private static let subdomainText = """
    a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an \
    alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')
    """

  private static let labelText = """
    a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an \
    alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')
    """

  private static let serviceLabelText = """
    a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an \
    alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')
    """

  /// Whether the text is a DNS-1123 label of any length.
  static func isLabel(_ text: Substring) -> Bool {
    let bytes = text.utf8
    guard let first = bytes.first, let last = bytes.last, isAlphanumeric(first), isAlphanumeric(last) else { return false }
    return bytes.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
  }
}
