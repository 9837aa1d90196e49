import JSON
import Primitives

/// An encoded object with slots for its texts: many similar objects in the memory of one.
final class ObjectPattern: Sendable {
  /// The object in JSON without `apiVersion` and `kind`.
  let json: BytePattern
  let protobuf: BytePattern
  /// The input of selectors: a JSON object with `labels` and `selectable`.
  let selectorInput: BytePattern

  /// - Parameter template: an object with placeholders for its texts, including the resource version.
  init(_ template: JSONValue, kind: ResourceKind) {
    var object = template
    object["apiVersion"] = nil
    object["kind"] = nil
    json = BytePattern(object.bytes)
    protobuf = BytePattern(kind.message.map { ProtobufEncoder.encode(object, as: $0) } ?? [])
    let selectable = kind.selectableFields.map { JSONValue.string($0.value(in: object)) }
    let selectorInput: JSONValue = ["labels": object["metadata"]?["labels"] ?? [:], "selectable": .array(selectable)]
    self.selectorInput = BytePattern(selectorInput.bytes)
  }
}

/// Bytes with slots of fixed length.
struct BytePattern: Sendable {
  private struct Slot {
    var field: PatternField
    var offset: Int
  }

  private let bytes: [UInt8]
  private let slots: [Slot]

  var count: Int { bytes.count }

  /// Finds the placeholders in the template.
  init(_ template: [UInt8]) {
    bytes = template
    var slots: [Slot] = []
    var index = 0
    while index < template.count {
      let run = template[index...].prefix { $0 == template[index] }.count
      if let field = PatternField(letter: template[index]), run == field.length { slots.append(Slot(field: field, offset: index)) }
      index += run
    }
    self.slots = slots
  }

  func filled(with texts: FieldTexts) -> [UInt8] {
    var filled = bytes
    filled.withUnsafeMutableBytes { target in
      texts.bytes.withUnsafeBytes { source in
        for slot in slots {
          let length = slot.field.length
          let text = UnsafeRawBufferPointer(rebasing: source[slot.field.offset..<slot.field.offset + length])
          UnsafeMutableRawBufferPointer(rebasing: target[slot.offset..<slot.offset + length]).copyMemory(from: text)
        }
      }
    }
    return filled
  }
}

extension PatternField {
  fileprivate init?(letter: UInt8) {
    guard letter >= UInt8(ascii: "A") else { return nil }
    self.init(rawValue: letter - UInt8(ascii: "A"))
  }
}

/// A text that differs between generated objects but has a fixed length.
enum PatternField: UInt8, CaseIterable, Sendable {
  case version, uid, namespace, workload, revision, suffix, ownerUID, node, nodeAddress, podAddress, firstContainer, secondContainer,
    endedContainer

  /// In bytes.
  var length: Int {
    switch self {
    case .suffix, .node: 5
    case .workload: 8
    case .version, .revision: 10
    case .namespace: 13
    case .podAddress: 14
    case .nodeAddress: 15
    case .uid, .ownerUID: 36
    case .firstContainer, .secondContainer, .endedContainer: 64
    }
  }

  /// The placeholder in a template: a letter repeated `length` times. Templates have no other runs of that length.
  var placeholder: String { String(repeating: Character(UnicodeScalar(letter)), count: length) }

  var letter: UInt8 { UInt8(ascii: "A") + rawValue }

  /// The start of the text in `FieldTexts.bytes`.
  var offset: Int { Self.offsets[Int(rawValue)] }

  private static let offsets: [Int] = allCases.indices.map { index in
    allCases[..<index].reduce(0) { $0 + $1.length }
  }

  static let totalLength = allCases.reduce(0) { $0 + $1.length }
}

/// The texts of one object.
struct FieldTexts: Sendable {
  /// The texts of all fields concatenated; an unset field is all `0`.
  private(set) var bytes = [UInt8](repeating: UInt8(ascii: "0"), count: PatternField.totalLength)

  /// - Parameter text: truncated to the length of the field.
  mutating func set(_ field: PatternField, _ text: some Collection<UInt8>) {
    bytes.replaceSubrange(field.offset..<field.offset + field.length, with: text.prefix(field.length))
  }

  /// Sets a number in decimal, with leading zeros.
  mutating func set(_ field: PatternField, decimal number: UInt64) {
    var rest = number
    for index in (field.offset..<field.offset + field.length).reversed() {
      bytes[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }

  /// Sets an IPv4 address in this /8; the last three octets are from 100 to 249, so that all addresses have the same length.
  mutating func set(_ field: PatternField, network: String, index: Int) {
    var text = Array(network.utf8)
    for part in [index / 22_500 % 150 + 100, index / 150 % 150 + 100, index % 150 + 100] {
      text.append(UInt8(ascii: "."))
      for digit in [part / 100, part / 10 % 10, part % 10] { text.append(UInt8(ascii: "0") + UInt8(digit)) }
    }
    set(field, text)
  }

  /// Fills the field with hexadecimal digits derived from the seed.
  mutating func set(_ field: PatternField, hexadecimalFrom seed: UInt64) {
    var words = SplitMix64(seed: seed)
    var word: UInt64 = 0
    for index in 0..<field.length {
      if index % 16 == 0 { word = words.next() }
      let digit = UInt8(word & 0xF)
      bytes[field.offset + index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      word >>= 4
    }
  }

  /// Fills the field with a version 4 UUID (RFC 9562) derived from the seed.
  mutating func set(_ field: PatternField, uuidFrom seed: UInt64) {
    set(field, hexadecimalFrom: seed)
    for index in [8, 13, 18, 23] { bytes[field.offset + index] = UInt8(ascii: "-") }
    bytes[field.offset + 14] = UInt8(ascii: "4")
    bytes[field.offset + 19] = UInt8(ascii: "a")
  }

  func text(_ field: PatternField) -> String {
    String(decoding: bytes[field.offset..<field.offset + field.length], as: UTF8.self)
  }
}
