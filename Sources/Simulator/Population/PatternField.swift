/// A text that differs from one generated object to the next, but never in length.
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

  /// What stands for the text in a template: a letter, `length` times. No template has such a run otherwise.
  var placeholder: String { String(repeating: Character(UnicodeScalar(letter)), count: length) }

  var letter: UInt8 { UInt8(ascii: "A") + rawValue }

  /// Where the text begins when all of an object's texts are laid end to end.
  var offset: Int { Self.offsets[Int(rawValue)] }

  private static let offsets: [Int] = allCases.indices.map { index in
    allCases[..<index].reduce(0) { $0 + $1.length }
  }

  static let totalLength = allCases.reduce(0) { $0 + $1.length }
}

/// The texts of one object, for every field.
struct FieldTexts: Sendable {
  /// Laid end to end; a field that nobody set is all zeros.
  private(set) var bytes = [UInt8](repeating: UInt8(ascii: "0"), count: PatternField.totalLength)

  /// - Parameter text: as long as the field is; what is longer is cut.
  mutating func set(_ field: PatternField, _ text: some Collection<UInt8>) {
    bytes.replaceSubrange(field.offset..<field.offset + field.length, with: text.prefix(field.length))
  }

  /// Sets the number in decimal, with zeros in front.
  mutating func set(_ field: PatternField, decimal number: UInt64) {
    var rest = number
    for index in (field.offset..<field.offset + field.length).reversed() {
      bytes[index] = UInt8(ascii: "0") + UInt8(rest % 10)
      rest /= 10
    }
  }

  /// Sets an IPv4 address in this network: the last three parts are from 100 to 249, so that all are of one length.
  mutating func set(_ field: PatternField, network: String, place: Int) {
    var text = Array(network.utf8)
    for part in [place / 22_500 % 150 + 100, place / 150 % 150 + 100, place % 150 + 100] {
      text.append(UInt8(ascii: "."))
      for digit in [part / 100, part / 10 % 10, part % 10] { text.append(UInt8(ascii: "0") + UInt8(digit)) }
    }
    set(field, text)
  }

  /// Fills the field with hexadecimal digits that follow from the seed, different ones for different seeds.
  mutating func set(_ field: PatternField, hexadecimalFrom seed: UInt64) {
    var words = SplitMix64(state: seed)
    var word: UInt64 = 0
    for index in 0..<field.length {
      if index % 16 == 0 { word = words.next() }
      let digit = UInt8(word & 0xF)
      bytes[field.offset + index] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
      word >>= 4
    }
  }

  /// Fills the field with a random UUID (RFC 9562, version 4) that follows from the seed.
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

/// Vigna's SplitMix64: numbers that look random and follow from the seed. Source: https://prng.di.unimi.it/splitmix64.c
struct SplitMix64: RandomNumberGenerator, Sendable {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
