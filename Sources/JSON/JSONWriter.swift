/// Writes JSON with sorted keys, so that equal values have equal bytes.
struct JSONWriter {
  /// Spaces per nesting level; `nil` writes a single line without white space.
  var indentation: Int?
  private(set) var bytes: [UInt8] = []

  init(indentation: Int?) {
    self.indentation = indentation
  }

  mutating func write(_ value: JSONValue, level: Int = 0) {
    switch value {
    case .null: bytes += "null".utf8
    case .bool(let value): bytes += (value ? "true" : "false").utf8
    case .integer(let value): bytes += String(value).utf8
    // Swift's description is the shortest text that parses back to the same value, and is valid JSON.
    case .number(let value) where value.isFinite: bytes += value.description.utf8
    case .number(let value): write(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
    case .string(let value): write(value)
    case .array(let elements):
      writeList("[", "]", elements, level: level) { writer, element in writer.write(element, level: level + 1) }
    case .object(let members):
      writeList("{", "}", members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }, level: level) { writer, member in
        writer.write(member.key)
        writer.bytes += (writer.indentation == nil ? ":" : ": ").utf8
        writer.write(member.value, level: level + 1)
      }
    }
  }

  private mutating func writeList<Item>(
    _ opening: Character, _ closing: Character, _ items: [Item], level: Int, write: (inout JSONWriter, Item) -> Void
  ) {
    bytes += opening.utf8
    for (index, item) in items.enumerated() {
      if index > 0 { bytes.append(UInt8(ascii: ",")) }
      breakLine(level: level + 1)
      write(&self, item)
    }
    if !items.isEmpty { breakLine(level: level) }
    bytes += closing.utf8
  }

  private mutating func breakLine(level: Int) {
    guard let indentation else { return }
    bytes.append(UInt8(ascii: "\n"))
    bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level * indentation))
  }

  private mutating func write(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\n"): bytes += "\\n".utf8
      case UInt8(ascii: "\r"): bytes += "\\r".utf8
      case UInt8(ascii: "\t"): bytes += "\\t".utf8
      case 0..<0x10: bytes += "\\u000\(String(byte, radix: 16))".utf8
      case 0x10..<0x20: bytes += "\\u00\(String(byte, radix: 16))".utf8
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
