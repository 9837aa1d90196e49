internal import Primitives
import Roll

extension Duration {
  /// The duration in Prometheus's notation: `15s`, `5m`, `1h30m`, `1s500ms`.
  package var text: String {
    var rest = wholeMilliseconds
    guard rest != 0 else { return "0s" }
    var text = rest < 0 ? "-" : ""
    rest = abs(rest)
    for (unit, milliseconds) in Self.units where rest >= milliseconds {
      text += "\(rest / milliseconds)\(unit)"
      rest %= milliseconds
    }
    return text
  }

  /// Parses `15s`, `5m`, `1h30m`, `250ms`: integers with the units d, h, m, s and ms, each at most once, largest first. `nil` for anything
  /// else, including a number other than 0 without a unit.
  package init?(text: some StringProtocol) {
    var rest = text[...]
    var milliseconds: Int64 = 0
    var units = Self.units[...]
    guard !rest.isEmpty else { return nil }
    if rest == "0" {
      self = .zero
      return
    }
    while !rest.isEmpty {
      let digits = rest.prefix { $0.isASCII && $0.isNumber }
      rest = rest[digits.endIndex...]
      let name = rest.prefix { !($0.isASCII && $0.isNumber) }
      rest = rest[name.endIndex...]
      guard let count = Int64(digits), let unit = units.firstIndex(where: { $0.name == name }) else { return nil }
      let (product, tooLarge) = count.multipliedReportingOverflow(by: units[unit].milliseconds)
      let (sum, overflow) = milliseconds.addingReportingOverflow(product)
      guard !tooLarge, !overflow else { return nil }
      milliseconds = sum
      units = units[(unit + 1)...]
    }
    self = .milliseconds(milliseconds)
  }

  /// Truncated to seconds, for display.
  package var inWholeSeconds: Duration { .seconds(components.seconds) }

  private static let units: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
  ]
}

/// RFC 3339 with milliseconds, in UTC.
func rfc3339(_ unixMilliseconds: Int64) -> String {
  Timestamp(unixMilliseconds: unixMilliseconds).rfc3339(fractionDigits: 3)
}
