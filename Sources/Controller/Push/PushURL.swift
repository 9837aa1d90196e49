internal import Primitives

/// The URL of a push receiver, as configured. Only the user sets it, so any address is allowed.
package struct PushURL: Hashable, Sendable {
  package let text: String
  /// Whether requests cross a network unencrypted.
  let isPlain: Bool

  static let accepted =
    "an http or https URL such as https://prometheus.example/api/v1/write; credentials go into the headers file, not into the URL"

  /// `nil` unless the text matches `accepted`.
  package init?(_ text: String) {
    guard let url = HTTPURL(text), url.userInformation == nil, !url.rest.contains("#"), text.utf8.allSatisfy({ $0 < 0x80 }) else {
      return nil
    }
    self.text = text
    isPlain = url.isPlain
  }
}
