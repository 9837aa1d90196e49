internal import Primitives
internal import Roll

/// Where docs/runbooks.md can be read.
package struct Runbooks: Hashable, Sendable, CustomStringConvertible {
  package static let standard = Runbooks(unchecked: "https://rollcall.dev/docs/runbooks.md")

  /// A URL without a fragment.
  package let description: String

  private init(unchecked text: String) {
    description = text
  }

  /// `nil` unless the text is an http or https URL without a fragment.
  package init?(_ text: String) {
    guard HTTPURL(text) != nil, !text.contains("#") else { return nil }
    self.init(unchecked: text)
  }

  /// The section about a reason.
  func url(_ reason: Reason) -> String { section(reason.rawValue) }

  /// The section with this heading, a single word.
  func section(_ heading: String) -> String { "\(description)#\(heading.lowercased())" }
}
