/// What the names of a kind's objects have to look like. Source: k8s.io/apimachinery/pkg/util/validation.
enum NamePolicy: Sendable {
  /// A DNS-1123 subdomain of at most 253 characters.
  case subdomain
  /// A DNS-1123 label of at most 63 characters.
  case label
  /// A DNS-1035 label of at most 63 characters: it starts with a letter.
  case serviceLabel

  /// What is wrong with the name; `nil` if nothing is.
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

  /// Whether the text is a DNS-1123 label, whatever its length.
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
