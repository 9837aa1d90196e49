import JSON

/// Validation of the metadata of every object. Source: k8s.io/apimachinery/pkg/api/validation.
enum MetadataRules {
  static func problems(in object: JSONValue, kind: ResourceKind) -> [FieldProblem] {
    var problems: [FieldProblem] = []
    let name = object.name
    if name.isEmpty {
      problems.append(FieldProblem(field: "metadata.name", reason: .required, detail: "name or generateName is required"))
    } else {
      problems += kind.naming.problems(in: name).map { FieldProblem(field: "metadata.name", reason: .invalid, value: name, detail: $0) }
    }
    for (key, value) in (object["metadata"]?["labels"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      problems += Self.problems(inKey: key).map { FieldProblem(field: "metadata.labels", reason: .invalid, value: key, detail: $0) }
      let text = value.string ?? ""
      problems += Self.problems(inLabelValue: text).map {
        FieldProblem(field: "metadata.labels", reason: .invalid, value: text, detail: $0)
      }
    }
    var annotationBytes = 0
    for (key, value) in (object["metadata"]?["annotations"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      annotationBytes += key.utf8.count + (value.string?.utf8.count ?? 0)
      problems += Self.problems(inKey: key.lowercased()).map {
        FieldProblem(field: "metadata.annotations", reason: .invalid, value: key, detail: $0)
      }
    }
    if annotationBytes > 262_144 {
      problems.append(FieldProblem(field: "metadata.annotations", reason: .tooLong, detail: "may not be more than 262144 bytes"))
    }
    return problems
  }

  static func problems(inLabelValue value: String) -> [String] {
    let isTooLong = value.utf8.count > 63
    return (isTooLong ? ["must be no more than 63 bytes"] : []) + (value.isEmpty || isQualifiedPart(value[...]) ? [] : [labelValueText])
  }

  private static let labelValueText = """
    a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
    alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
    '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')
    """

  /// - Returns: the problems with the key of a label or an annotation.
  static func problems(inKey key: String) -> [String] {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    if parts.count > 2 {
      return ["a valid label key \(qualifiedText) with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    }
    var problems: [String] = []
    if parts.count == 2 {
      let ofPrefix = parts[0].isEmpty ? ["must be non-empty"] : NamePolicy.subdomain.problems(in: String(parts[0]), unit: "bytes")
      problems += ofPrefix.map { "prefix part \($0)" }
    }
    let name = parts[parts.count - 1]
    if name.isEmpty { problems.append("name part must be non-empty") }
    if name.utf8.count > 63 { problems.append("name part must be no more than 63 bytes") }
    return problems + (isQualifiedPart(name) ? [] : ["name part \(qualifiedText)"])
  }

  private static let qualifiedText = """
    must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character \
    (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')
    """

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
  /// Anything that is one segment of a path, as for RBAC's objects.
  case pathSegment

  /// - Returns: what is wrong with the name.
  /// - Parameter unit: what the server calls the length.
  func problems(in name: String, unit: String = "characters") -> [String] {
    let labels = name.split(separator: ".", omittingEmptySubsequences: false)
    let isSubdomain = labels.allSatisfy { Self.isLabel($0) }
    func limited(to maximum: Int, _ problem: String?) -> [String] {
      (name.utf8.count > maximum ? ["must be no more than \(maximum) \(unit)"] : []) + (problem.map { [$0] } ?? [])
    }
    switch self {
    case .subdomain: return limited(to: 253, isSubdomain ? nil : Self.subdomainText)
    case .label:
      let isLabel = isSubdomain && labels.count == 1
      return limited(to: 63, isLabel ? nil : isSubdomain ? "must not contain dots" : Self.labelText)
    case .pathSegment:
      if name == "." || name == ".." { return ["may not be '\(name)'"] }
      return name.contains("/") || name.contains("%") ? ["may not contain '/' or '%'"] : []
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
