/// Reads one JSON text, by RFC 8259 to the letter. Written out because a decoder over `Codable` has to guess the kind of each value by
/// failing at the others, which costs it a microsecond for each byte.
struct JSONReader {
  /// Objects and arrays within each other; what reads a document may recurse, so this bounds the stack. The deepest schemas of custom
  /// resources have about a hundred.
  static let maximumDepth = 256

  /// Valid while `read` runs.
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
    if position < bytes.count { throw failure("more text after the document") }
    return value
  }

  private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
    skipWhitespace()
    guard let first = peek() else { throw failure("the text ends where a value should begin") }
    switch first {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    case UInt8(ascii: "t"): return try literal("true", .bool(true))
    case UInt8(ascii: "f"): return try literal("false", .bool(false))
    case UInt8(ascii: "n"): return try literal("null", .null)
    default: throw failure("no value begins like this")
    }
  }

  /// Of two members of one name the later counts, as for the API server.
  private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
    try enter(depth)
    var members: [String: JSONValue] = [:]
    skipWhitespace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipWhitespace()
      guard peek() == UInt8(ascii: "\"") else { throw failure("a member's name in quotes is missing") }
      let name = try string()
      skipWhitespace()
      guard take(UInt8(ascii: ":")) else { throw failure("a colon is missing") }
      members[name] = try value(depth: depth + 1)
      skipWhitespace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw failure("a comma or } is missing") }
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
    guard take(UInt8(ascii: "]")) else { throw failure("a comma or ] is missing") }
    return .array(elements)
  }

  private mutating func enter(_ depth: Int) throws(JSONError) {
    guard depth < Self.maximumDepth else { throw failure("more than \(Self.maximumDepth) objects and arrays within each other") }
    position += 1
  }

  private mutating func literal(_ text: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    for offset in 0..<text.utf8CodeUnitCount where !take(text.utf8Start[offset]) { throw failure("\(text) is misspelt") }
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
    guard digits > 0, !isZero || digits == 1 else { throw failure("a number needs digits, and no zero before them") }
    var isInteger = true
    if take(UInt8(ascii: ".")) {
      isInteger = false
      guard skipDigits() > 0 else { throw failure("digits are missing after the point") }
    }
    if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
      isInteger = false
      if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
      guard skipDigits() > 0 else { throw failure("digits are missing in the exponent") }
    }
    let text = text(start..<position) ?? ""
    if isInteger, let value = Int64(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else { throw failure("the number is too large") }
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
        guard let piece = text(start..<position) else { throw failure("a string that ends here is not UTF-8") }
        position += 1
        if byte == UInt8(ascii: "\"") { return result.isEmpty ? piece : result + piece }
        result += piece
        result.unicodeScalars.append(try escaped())
        start = position
      case 0..<0x20: throw failure("a control character in a string has to be escaped")
      default: position += 1
      }
    }
    throw failure("the text ends within a string")
  }

  /// What a backslash, which is behind us, and the characters after it stand for.
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
    default: throw failure("JSON has no such escape")
    }
    let first = try codeUnit()
    if let scalar = UnicodeScalar(first) { return scalar }
    // The first half of a character beyond U+FFFF; the second half has to follow.
    guard first < 0xDC00, peek(1) == UInt8(ascii: "\\"), peek(2) == UInt8(ascii: "u") else { throw failure("half of a surrogate pair") }
    position += 2
    let second = try codeUnit()
    guard (0xDC00...0xDFFF).contains(second), let scalar = UnicodeScalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00)) else {
      throw failure("half of a surrogate pair")
    }
    return scalar
  }

  /// The four digits after a `u`; leaves the position at the last of them.
  private mutating func codeUnit() throws(JSONError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      position += 1
      guard let byte = peek(), let digit = Character(UnicodeScalar(byte)).hexDigitValue else {
        throw failure("four hexadecimal digits are missing")
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

  /// `nil` where the bytes are not UTF-8.
  private func text(_ range: Range<Int>) -> String? {
    String(validating: bytes[range], as: UTF8.self)
  }

  private func failure(_ reason: String) -> JSONError {
    JSONError(description: "not JSON: \(reason) (byte \(position) of \(bytes.count))")
  }
}
