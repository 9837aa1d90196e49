/// Parses one JSON text, strictly by RFC 8259. A `Codable` decoder would have to try each kind of value and throw for all others, which
/// takes a microsecond per byte.
struct JSONReader {
  /// The maximum nesting of objects and arrays. Bounds the stack, since consumers may recurse. The deepest CRD schemas have about 100
  /// levels.
  static let maximumDepth = 256

  /// Valid during `read` only.
  private let bytes: UnsafeBufferPointer<UInt8>
  private var position = 0

  private init(bytes: UnsafeBufferPointer<UInt8>) {
    self.bytes = bytes
  }

  static func read(_ bytes: [UInt8]) throws(JSONError) -> JSONValue {
    try bytes.withUnsafeBufferPointer { bytes throws(JSONError) in
      var reader = JSONReader(bytes: bytes)
      return try reader.document()
    }
  }

  private mutating func document() throws(JSONError) -> JSONValue {
    let value = try value(depth: 0)
    skipWhitespace()
    if position < bytes.count { throw failure("unexpected data after the document") }
    return value
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipWhitespace()
    guard let first = peek() else { throw failure("unexpected end of input, expected a value") }
    switch first {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: throw failure("unexpected character, expected a value")
    }
  }

  /// The last of several members with one name wins, as in the API server.
  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    try enter(depth)
    var members = JSONObject()
    skipWhitespace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipWhitespace()
      guard peek() == UInt8(ascii: "\"") else { throw failure("expected a quoted member name") }
      let name = try string()
      skipWhitespace()
      guard take(UInt8(ascii: ":")) else { throw failure("expected ':'") }
      members[name] = try value(depth: depth + 1)
      skipWhitespace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw failure("expected ',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
    try enter(depth)
    var elements: [JSONValue] = []
    skipWhitespace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipWhitespace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw failure("expected ',' or ']'") }
    return .array(elements)
  }

  private mutating func enter(_ depth: Int) throws(JSONError) {
    guard depth < Self.maximumDepth else { throw failure("nested deeper than \(Self.maximumDepth) levels") }
    position += 1
  }

  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for offset in 0..<text.utf8CodeUnitCount where !take(text.utf8Start[offset]) { throw failure("expected \(text)") }
    return value
  }
}

// MARK: Numbers

extension JSONReader {
  private mutating func number() throws(JSONError) -> JSONValue {
    let start = position
    _ = take(UInt8(ascii: "-"))
    let isZero = peek() == UInt8(ascii: "0")
    let digits = skipDigits()
    guard digits > 0, !isZero || digits == 1 else { throw failure("number without digits or with a leading zero") }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      guard skipDigits() > 0 else { throw failure("expected a digit after the decimal point") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard skipDigits() > 0 else { throw failure("expected a digit in the exponent") }
    }
    let text = text(start..<position) ?? ""
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw failure("number out of range") }
    return .number(value)
  }

  private mutating func skipDigits() -> Int {
    let start = position
    while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { position += 1 }
    return position - start
  }
}

// MARK: Strings

extension JSONReader {
  private mutating func string() throws(JSONError) -> String {
    position += 1
    var result = ""
    var start = position
    while let byte = peek() {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        guard let piece = text(start..<position) else { throw failure("the string that ends here is not UTF-8") }
        position += 1
        if byte == UInt8(ascii: "\"") { return result.isEmpty ? piece : result + piece }
        result += piece
        result.unicodeScalars.append(try escaped())
        start = position
      case 0..<0x20: throw failure("unescaped control character in a string")
      default: position += 1
      }
    }
    throw failure("unterminated string")
  }

  /// Parses an escape sequence. The backslash has been consumed.
  private mutating func escaped() throws(JSONError) -> UnicodeScalar {
    defer { position += 1 }
    switch peek() {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw failure("invalid escape sequence")
    }
    let first = try codeUnit()
    if let scalar = UnicodeScalar(first) { return scalar }
    // A high surrogate, which must be followed by a low one.
    guard first < 0xDC00, peek(1) == UInt8(ascii: "\\"), peek(2) == UInt8(ascii: "u") else { throw failure("unpaired surrogate") }
    position += 2
    let second = try codeUnit()
    guard (0xDC00...0xDFFF).contains(second), let scalar = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else {
      throw failure("unpaired surrogate")
    }
    return scalar
  }

  /// The four digits after `\u`. Leaves the position at the last digit.
  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      position += 1
      guard let byte = peek(), let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
        throw failure("expected four hexadecimal digits")
      }
      value = value << 4 + UInt32(digit)
    }
    return value
  }
}

// MARK: Bytes

extension JSONReader {
  private func peek(_ offset: Int = 0) -> UInt8? {
    position + offset < bytes.count ? bytes[position + offset] : nil
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard peek() == byte else { return false }
    position += 1
    return true
  }

  private mutating func skipWhitespace() {
    while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }

  /// `nil` if the bytes are not UTF-8.
  private func text(_ range: Range<Int>) -> String? {
    String(validating: bytes[range], as: UTF8.self)
  }

  private func failure(_ reason: String) -> JSONError {
    JSONError(description: "invalid JSON: \(reason) (byte \(position) of \(bytes.count))")
  }
}
