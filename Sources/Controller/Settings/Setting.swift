/// One setting: its names, its help and the values that it accepts.
package struct Setting: Sendable {
  package enum Shape: Sendable {
    case value
    /// Can be repeated as a flag; separated by `;` in an environment variable; a sequence in the file.
    case list
    /// A flag without a value; otherwise `true` or `false`.
    case truth
  }

  /// The flag without leading hyphens: `agent-roll-port`.
  package let name: String
  package let shape: Shape
  package let help: String
  /// The accepted values, as a phrase that follows "expected".
  package let accepts: String
  /// Parses the values into the settings. Returns the first invalid one.
  let enter: @Sendable ([String], inout ControllerSettings) -> String?
  /// The current values as text; empty if the setting is not set.
  package let show: @Sendable (ControllerSettings) -> [String]

  package var flag: String { "--\(name)" }
  package var environmentVariable: String { "ROLLCALL_" + name.uppercased().replacing("-", with: "_") }
  /// In the configuration file: `agentRollPort`.
  package var key: String {
    let words = name.split(separator: "-")
    return words.prefix(1).joined() + words.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }

  /// The help with the default, environment variable and file key.
  package var fullHelp: String {
    let byDefault = show(ControllerSettings())
    let text = byDefault.isEmpty || shape == .truth ? "" : " Default: \(byDefault.joined(separator: "; "))."
    return "\(help)\(text) [\(environmentVariable), \(key)]"
  }
}

// MARK: Constructors

extension Setting {
  typealias Path<Value> = WritableKeyPath<ControllerSettings, Value> & Sendable

  /// A single value, parsed by `read` and formatted by `write`.
  static func one<Value>(
    _ name: String, _ path: any Path<Value>, accepts: String, help: String, read: @escaping @Sendable (String) -> Value?,
    write: @escaping @Sendable (Value) -> String?
  ) -> Setting {
    Setting(name: name, shape: .value, help: help, accepts: accepts) { texts, settings in
      guard let text = texts.last else { return nil }
      guard let value = read(text) else { return text }
      settings[keyPath: path] = value
      return nil
    } show: { settings in
      write(settings[keyPath: path]).map { [$0] } ?? []
    }
  }

  static func list<Value>(
    _ name: String, _ path: any Path<[Value]>, accepts: String, help: String, read: @escaping @Sendable (String) -> Value?,
    write: @escaping @Sendable (Value) -> String
  ) -> Setting {
    Setting(name: name, shape: .list, help: help, accepts: accepts) { texts, settings in
      var values: [Value] = []
      for text in texts {
        guard let value = read(text) else { return text }
        values.append(value)
      }
      settings[keyPath: path] = values
      return nil
    } show: { settings in
      settings[keyPath: path].map(write)
    }
  }

  static func duration(_ name: String, _ path: any Path<Duration>, allowsZero: Bool = false, help: String) -> Setting {
    one(
      name, path, accepts: "a duration such as 15s, 5m or 1h30m\(allowsZero ? "" : ", more than 0s"), at most 7d", help: help,
      read: { text in
        guard let value = Duration(text: text), value > .zero || allowsZero, value <= .seconds(7 * 86_400) else { return nil }
        return value
      }, write: { $0.text })
  }

  static func number(_ name: String, _ path: any Path<Int>, in range: ClosedRange<Int>, what: String, help: String) -> Setting {
    one(
      name, path, accepts: "\(what) from \(range.lowerBound) to \(range.upperBound)", help: help,
      read: { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }, write: { "\($0)" })
  }

  /// A size in bytes.
  static func size(_ name: String, _ path: any Path<Int>, help: String) -> Setting {
    one(
      name, path, accepts: "a size such as 512KB, 64MB or 2GB, from 1KB to 1024GB", help: help,
      read: { text in
        guard let value = ByteSize.bytes(of: text), (1 << 10...1 << 40).contains(value) else { return nil }
        return value
      },
      write: ByteSize.text)
  }

  static func text(_ name: String, _ path: any Path<String?>, accepts: String = "any text that is not empty", help: String) -> Setting {
    one(name, path, accepts: accepts, help: help, read: { $0.isEmpty ? nil : .some($0) }, write: { $0 })
  }

  static func choice<Value: RawRepresentable<String> & CaseIterable & Sendable>(
    _ name: String, _ path: any Path<Value>, help: String
  ) -> Setting {
    one(
      name, path, accepts: "one of " + Value.allCases.map(\.rawValue).joined(separator: ", "), help: help, read: { Value(rawValue: $0) },
      write: { $0.rawValue })
  }

  static func truth(_ name: String, _ path: any Path<Bool>, help: String) -> Setting {
    Setting(name: name, shape: .truth, help: help, accepts: "true or false") { texts, settings in
      guard let text = texts.last else { return nil }
      guard let value = Bool(text) else { return text }
      settings[keyPath: path] = value
      return nil
    } show: { settings in
      ["\(settings[keyPath: path])"]
    }
  }
}
