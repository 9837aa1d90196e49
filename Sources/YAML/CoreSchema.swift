package import JSON

/// Resolves plain scalars.
///
/// Source: YAML 1.2.2, section 10.3.2. Unlike in YAML 1.1, `yes`, `no`, `on` and `off` are strings, and `010` is ten.
enum CoreSchema {
  static func resolve(plain text: String) -> JSONValue {
    if isNull(text) { return .null }
    if let bool = bool(text) { return .bool(bool) }
    if let integer = integer(text) { return integer }
    if let float = float(text) { return .number(float) }
    return .string(text)
  }

  static func isNull(_ text: String) -> Bool {
    ["", "~", "null", "Null", "NULL"].contains(text)
  }

  static func bool(_ text: String) -> Bool? {
    switch text {
    case "true", "True", "TRUE": true
    case "false", "False", "FALSE": false
    default: nil
    }
  }

  /// `nil` unless the text has the syntax of an integer. An integer of more than 64 bits becomes a `.number`.
  static func integer(_ text: String) -> JSONValue? {
    let radix = text.hasPrefix("0x") ? 16 : text.hasPrefix("0o") ? 8 : 10
    var digits = Substring(text)
    if radix != 10 {
      digits.removeFirst(2)
    } else if let sign = digits.first, "+-".contains(sign) {
      digits.removeFirst()
    }
    guard !digits.isEmpty, digits.utf8.allSatisfy({ isDigit($0, radix: radix) }) else { return nil }
    if let value = Int64(radix == 10 ? Substring(text) : digits, radix: radix) { return .integer(value) }
    let magnitude = digits.utf8.reduce(0.0) { $0 * Double(radix) + Double(Character(UnicodeScalar($1)).hexDigitValue ?? 0) }
    return .number(radix == 10 ? Double(text) ?? magnitude : magnitude)
  }

  static func float(_ text: String) -> Double? {
    switch text {
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
    case "-.inf", "-.Inf", "-.INF": return -.infinity
    case ".nan", ".NaN", ".NAN": return .nan
    default: break
    }
    // With these characters only, Swift's syntax equals YAML's; it also accepts `nan` and `0x1p3`.
    guard text.utf8.allSatisfy({ isDigit($0, radix: 10) || "+-.eE".utf8.contains($0) }) else { return nil }
    return Double(text)
  }

  private static func isDigit(_ byte: UInt8, radix: Int) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "7"): true
    case UInt8(ascii: "8"), UInt8(ascii: "9"): radix >= 10
    case UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "A")...UInt8(ascii: "F"): radix == 16
    default: false
    }
  }
}

extension YAMLScalar {
  /// The value by the scalar's tag. Without a tag, a quoted scalar is a string, and a plain one is resolved by the core schema.
  package var value: JSONValue {
    let value: JSONValue? =
      switch tag {
      case .string: .string(text)
      case .integer: CoreSchema.integer(text)
      case .float: (CoreSchema.float(text) ?? CoreSchema.integer(text)?.number).map(JSONValue.number)
      case .boolean: CoreSchema.bool(text).map(JSONValue.bool)
      case .null: CoreSchema.isNull(text) ? .null : nil
      case .sequence, .mapping: nil
      case nil: style == .quoted ? .string(text) : CoreSchema.resolve(plain: text)
      }
    return value ?? .string(text)
  }

  /// Whether the text is valid for its tag.
  var fitsTag: Bool {
    switch tag {
    case .string, nil: true
    case .integer: CoreSchema.integer(text) != nil
    case .float: CoreSchema.float(text) != nil || CoreSchema.integer(text) != nil
    case .boolean: CoreSchema.bool(text) != nil
    case .null: CoreSchema.isNull(text)
    case .sequence, .mapping: false
    }
  }
}

extension YAMLNode {
  /// The value as JSON: numbers, booleans and null by YAML 1.2's core schema, other scalars as strings.
  package var jsonValue: JSONValue {
    switch kind {
    case .scalar(let scalar): scalar.value
    case .sequence(let elements): .array(elements.map(\.jsonValue))
    case .mapping(let mapping):
      .object(JSONObject(mapping.entries.lazy.map { ($0.key, $0.value.jsonValue) }))
    }
  }
}
