internal import YAML

/// Settings that cannot be used. The message says what was found, where, and what is accepted.
package enum SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The configuration file cannot be read.
  case unreadable(path: String, reason: String)
  /// The configuration file is not YAML, or not a mapping of settings to values. The message has line and column.
  case malformed(String)
  /// `place` is a flag, an environment variable, or file, line and column.
  case badValue(String, place: String, accepts: String)
  /// Settings that are sound by themselves and not together.
  case contradiction(String)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read the configuration file \(path): \(reason)"
    case .malformed(let message), .contradiction(let message): message
    case .badValue(let value, let place, let accepts):
      "\(place): \"\(Self.withoutCredentials(value))\" is not accepted; accepted is \(accepts)"
    }
  }

  /// What was meant as a URL may have a user and a password before its `@`.
  private static func withoutCredentials(_ value: String) -> String {
    guard let at = value.lastIndex(of: "@") else { return value }
    return "…" + value[at...]
  }
}
