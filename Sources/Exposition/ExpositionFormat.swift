/// What a page of metrics is written in.
package enum ExpositionFormat: Hashable, Sendable {
  /// The Prometheus text exposition format 0.0.4.
  case text
  /// OpenMetrics 1.0.0.
  case openMetrics

  /// The value of the HTTP header `Content-Type`.
  package var contentType: String {
    switch self {
    case .text: "text/plain; version=0.0.4; charset=utf-8"
    case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
    }
  }

  /// The format that a client likes best, by the values of its `Accept` header; the text format where it names neither.
  package init(accept: [String]) {
    var openMetrics = 0.0
    var text = 0.0
    for range in WeightedValue.list(accept) {
      switch range.value {
      // A client that asks for another version would not know what to make of ours.
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

/// Whether a client takes gzip, by the values of its `Accept-Encoding` header.
package func acceptsGzip(_ acceptEncoding: [String]) -> Bool {
  let codings = WeightedValue.list(acceptEncoding)
  // One that is named says more than the one for all others.
  let coding = codings.first { $0.value == "gzip" || $0.value == "x-gzip" } ?? codings.first { $0.value == "*" }
  return coding.map { $0.weight > 0 } ?? false
}

/// One element of a header such as `Accept`: `text/plain;version=0.0.4;q=0.5`.
/// Source: RFC 9110, sections 12.4.2 and 12.5.
struct WeightedValue: Hashable {
  var value: String
  var parameters: [String: String]
  /// From 0, which is never, to 1.
  var weight: Double

  /// The elements of all lines of the header. What makes no sense counts as absent: it is no reason to refuse a scrape.
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
  /// Without spaces and tabs around it.
  fileprivate var trimmed: Substring {
    var text = drop { $0 == " " || $0 == "\t" }
    while let last = text.last, last == " " || last == "\t" { text.removeLast() }
    return text
  }
}
