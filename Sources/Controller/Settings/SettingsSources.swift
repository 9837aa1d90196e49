internal import Primitives
internal import YAML

/// The sources of settings, in order of precedence: command line, environment, configuration file, defaults.
package struct SettingsSources: Sendable {
  /// Values by `Setting.name`. Flags that were not given are absent or empty.
  package var flags: [String: [String]]
  package var environment: [String: String]
  /// Path and content of the configuration file, if any.
  package var file: (path: String, bytes: [UInt8])?

  package init(flags: [String: [String]] = [:], environment: [String: String] = [:], file: (path: String, bytes: [UInt8])? = nil) {
    self.flags = flags
    self.environment = environment
    self.file = file
  }

  /// The effective settings.
  package func settings() throws(SettingsError) -> ControllerSettings {
    let fromFile = try fileValues()
    var settings = ControllerSettings()
    for setting in SettingsTable.all {
      let found = fromFlag(setting) ?? fromEnvironment(setting) ?? fromFile[setting.key]
      guard let found, !found.isEmpty else { continue }
      if let refused = setting.enter(found.map(\.text), &settings) {
        let location = found.first { $0.text == refused }?.location ?? setting.flag
        throw .badValue(refused, location: location, accepts: setting.accepts)
      }
    }
    if settings.namespace == nil, let own = environment["POD_NAMESPACE"], !own.isEmpty { settings.namespace = own }
    if settings.ownAddress == nil, let own = environment["POD_IP"], IPAddress(own) != nil { settings.ownAddress = own }
    try settings.checkTogether()
    return settings
  }

  /// A value and its location.
  private struct Found {
    var text: String
    var location: String
  }

  private func fromFlag(_ setting: Setting) -> [Found]? {
    guard let values = flags[setting.name], !values.isEmpty else { return nil }
    return values.map { Found(text: $0, location: setting.flag) }
  }

  private func fromEnvironment(_ setting: Setting) -> [Found]? {
    // An empty variable counts as unset: manifests cannot omit one conditionally.
    guard let value = environment[setting.environmentVariable], !value.isEmpty else { return nil }
    let values = setting.shape == .list ? value.split(separator: ";").map { String($0).trimmed } : [value]
    return values.map { Found(text: $0, location: setting.environmentVariable) }
  }

  private func fileValues() throws(SettingsError) -> [String: [Found]] {
    guard let file else { return [:] }
    do throws(YAMLError) {
      // A file with only comments has no document.
      if try YAMLNode.documents(parsing: file.bytes, file: file.path).isEmpty { return [:] }
      let node = try YAMLNode(parsing: file.bytes, file: file.path)
      if node.isNull { return [:] }
      let mapping = try node.mapping()
      try mapping.refuseKeys(otherThan: SettingsTable.all.map(\.key))
      var values: [String: [Found]] = [:]
      for setting in SettingsTable.all {
        guard let value = mapping.optional(setting.key) else { continue }
        values[setting.key] = try Self.values(of: value, shape: setting.shape)
      }
      return values
    } catch {
      throw .malformed(error.description)
    }
  }

  private static func values(of node: YAMLNode, shape: Setting.Shape) throws(YAMLError) -> [Found] {
    guard shape == .list, case .sequence(let elements) = node.kind else {
      return [Found(text: try node.text(), location: node.mark.description)]
    }
    var found: [Found] = []
    for element in elements { found.append(Found(text: try element.text(), location: element.mark.description)) }
    return found
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...].drop(while: \.isWhitespace)
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}

extension ControllerSettings {
  /// The effective settings as a configuration file, with unset ones as comments.
  package var yaml: String {
    SettingsTable.all.map { setting in
      let values = setting.show(self)
      let lines: String
      switch (setting.shape, values.isEmpty) {
      case (.list, false): lines = "\(setting.key):\n" + values.map { "  - \(quoted($0))\n" }.joined()
      case (.list, true): lines = "\(setting.key): []\n"
      case (_, true): lines = "# \(setting.key):\n"
      case (_, false): lines = "\(setting.key): \(quoted(values[0]))\n"
      }
      return "# \(setting.help)\n\(lines)"
    }.joined()
  }

  /// The text unquoted if YAML reads it back unchanged, in single quotes otherwise.
  private func quoted(_ text: String) -> String {
    let isPlain =
      text.utf8.first.map { $0.isLetterOrDigit || $0 == UInt8(ascii: "/") } == true
      && text.utf8.allSatisfy { $0.isLetterOrDigit || "/.-_=+".utf8.contains($0) }
      && text != "null"
    return isPlain ? text : "'\(text.replacing("'", with: "''"))'"
  }
}

extension UInt8 {
  fileprivate var isLetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    default: false
    }
  }
}

/// Invalid settings. The message names the value, its location, and the accepted values.
package enum SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The configuration file cannot be read.
  case unreadable(path: String, reason: String)
  /// The configuration file is not YAML, or not a mapping of settings to values. The message has line and column.
  case malformed(String)
  /// `location` is a flag, an environment variable, or a position in the file.
  case badValue(String, location: String, accepts: String)
  /// Settings that are each valid but contradict each other.
  case contradiction(String)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason): "cannot read the configuration file \(path): \(reason)"
    case .malformed(let message), .contradiction(let message): message
    case .badValue(let value, let location, let accepts):
      "\(location): \"\(Self.withoutCredentials(value))\" is invalid; expected \(accepts)"
    }
  }

  /// An invalid value may be a URL with user and password before its `@`.
  private static func withoutCredentials(_ value: String) -> String {
    guard let at = value.lastIndex(of: "@") else { return value }
    return "…" + value[at...]
  }
}
