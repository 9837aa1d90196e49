/// An exposition format that we read and write.
package enum ExpositionFormat: Hashable, Sendable {
  /// The Prometheus text format 0.0.4.
  case text
  /// OpenMetrics 1.0.0.
  case openMetrics

  /// The format of a response by its header `Content-Type`; without the header the text format, as every Prometheus before 3.0 assumes.
  /// `nil` for any other type: Prometheus 3 refuses it, and a web page is not an exposition.
  package init?(contentType: String?) {
    guard let contentType else {
      self = .text
      return
    }
    switch contentType.prefix(while: { $0 != ";" }).trimmed.lowercased() {
    case "text/plain", "": self = .text
    case "application/openmetrics-text": self = .openMetrics
    default: return nil
    }
  }

  /// The text format with quoted names. Prometheus 3 requests it.
  package static let quotedNamesContentType = "text/plain; version=1.0.0; charset=utf-8; escaping=allow-utf-8"

  /// The value of the HTTP header `Content-Type`.
  package var contentType: String {
    switch self {
    case .text: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// The `Accept` header of our own scrapes. OpenMetrics is tolerated in a response, but not requested.
  package static let requested = "text/plain;version=0.0.4;q=1,*/*;q=0.1"

  /// Negotiates the format from the values of a request's `Accept` header. Defaults to the text format.
  package init(accept: [String]) {
    var openMetrics = 0.0
    var text = 0.0
    for range in WeightedValue.list(accept) {
      switch range.value {
      // Other versions are not ours: a client that requests one of them may be unable to parse 1.0.0 or 0.0.4.
      case "application/openmetrics-text" where range.parameters["version", default: "1.0.0"] == "1.0.0":
        openMetrics = max(openMetrics, range.weight)
      case "text/plain" where range.parameters["version", default: "0.0.4"] == "0.0.4": text = max(text, range.weight)
      case "text/*", "*/*": text = max(text, range.weight)
      default: break
      }
    }
    self = openMetrics > 0 && openMetrics >= text ? .openMetrics : .text
  }
}

extension NameForm {
  /// The form of names that a client accepts, from the values of its `Accept` header: quoted only if it asks for it.
  package init(accept: [String]) {
    let isQuoted = WeightedValue.list(accept).contains { range in
      range.value == "text/plain" && range.weight > 0 && range.parameters["escaping"] == "allow-utf-8"
    }
    self = isQuoted ? .quoted : .legacy
  }
}

/// Whether a client accepts gzip, from the values of its `Accept-Encoding` header.
package func acceptsGzip(_ acceptEncoding: [String]) -> Bool {
  let codings = WeightedValue.list(acceptEncoding)
  // An explicit coding takes precedence over the wildcard.
  let coding = codings.first { $0.value == "gzip" || $0.value == "x-gzip" } ?? codings.first { $0.value == "*" }
  return coding.map { $0.weight > 0 } ?? false
}

/// One element of a header such as `Accept`: `text/plain;version=0.0.4;q=0.5`.
/// Source: RFC 9110, sections 12.4.2 and 12.5.
struct WeightedValue: Hashable {
  var value: String
  var parameters: [String: String]
  /// From 0 (not acceptable) to 1.
  var weight: Double

  /// The elements of all lines of the header. Malformed elements are ignored rather than failing the scrape.
  static func list(_ lines: [String]) -> [WeightedValue] {
    lines.flatMap { $0.split(separator: ",") }.compactMap { element in
      var parts = element.split(separator: ";").map { $0.trimmed }
      guard !parts.isEmpty else { return nil }
      let value = parts.removeFirst().lowercased()
      var parameters: [String: String] = [:]
      for part in parts {
        guard let equals = part.firstIndex(of: "=") else { continue }
        let text = part[part.index(after: equals)...].trimmed
        parameters[part[..<equals].trimmed.lowercased()] = text.filter { $0 != "\"" }
      }
      let weight = parameters.removeValue(forKey: "q").map { Double($0) ?? 0 } ?? 1
      return WeightedValue(value: value, parameters: parameters, weight: min(max(weight, 0), 1))
    }
  }
}

extension Substring {
  /// Without leading and trailing spaces and tabs.
  fileprivate var trimmed: Substring {
    var text = drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }
}
