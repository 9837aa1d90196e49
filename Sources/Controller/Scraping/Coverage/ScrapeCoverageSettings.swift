package import HTTPTransport
internal import Primitives

/// Which requests for scrapes are judged.
package enum ScrapeCoverageMode: String, CaseIterable, Hashable, Sendable {
  case off
  /// Those of monitors and of annotations.
  case monitored
  /// Also ports whose names say that they serve metrics.
  case all
}

package struct ScrapeCoverageSettings: Hashable, Sendable {
  /// `nil`: `monitored` where the cluster has monitoring objects, else `off`.
  package var mode: ScrapeCoverageMode?
  /// Read instead of those of Prometheus objects, unless empty.
  package var urls: [ScraperURL]
  package var tls: TLSOptions
  /// A file of HTTP headers to add to each request.
  package var headersFile: String?

  package init(
    mode: ScrapeCoverageMode? = nil, urls: [ScraperURL] = [], tls: TLSOptions = TLSOptions(), headersFile: String? = nil
  ) {
    self.mode = mode
    self.urls = urls
    self.tls = tls
    self.headersFile = headersFile
  }
}

/// The URL of a scraper as configured: with its path prefix, and with user and password if it requires them.
package struct ScraperURL: Hashable, Sendable, CustomStringConvertible {
  package let text: String
  /// Without user and password.
  package var description: String { withoutUserInformation(text) }
  /// Whether requests cross a network unencrypted.
  package let isPlain: Bool

  /// - Returns: `nil` unless the text is a URL of http or https without query and fragment.
  package init?(_ text: String) {
    guard let parts = HTTPURL(text), !parts.rest.contains(where: { $0 == "?" || $0 == "#" }) else { return nil }
    var text = text[...]
    while text.last == "/" { text.removeLast() }
    self.text = String(text)
    isPlain = parts.isPlain
  }
}
