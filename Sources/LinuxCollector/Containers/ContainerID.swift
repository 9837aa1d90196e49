/// A container's ID: 64 hexadecimal digits, stored as 32 bytes.
package struct ContainerID: Hashable, Comparable, Sendable, CustomStringConvertible {
  private var first: UInt64
  private var second: UInt64
  private var third: UInt64
  private var fourth: UInt64

  static let digits = 64

  /// `nil` for anything but 64 lower-case hexadecimal digits, the form of every runtime in use.
  package init?(_ text: some StringProtocol) {
    self.init(digits: text.utf8)
  }

  init?(digits: some Collection<UInt8>) {
    guard digits.count == Self.digits else { return nil }
    var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    for byte in digits {
      guard let value = byte.hexadecimalValue else { return nil }
      words.0 = words.0 << 4 | words.1 >> 60
      words.1 = words.1 << 4 | words.2 >> 60
      words.2 = words.2 << 4 | words.3 >> 60
      words.3 = words.3 << 4 | UInt64(value)
    }
    (first, second, third, fourth) = words
  }

  package var description: String {
    [first, second, third, fourth].map { word in
      let digits = String(word, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// The first 12 digits, as runtimes' tools print it.
  package var short: String { String(description.prefix(12)) }

  package static func < (left: ContainerID, right: ContainerID) -> Bool {
    (left.first, left.second, left.third, left.fourth) < (right.first, right.second, right.third, right.fourth)
  }
}

extension UInt8 {
  var hexadecimalValue: UInt8? {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): self - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): self - UInt8(ascii: "a") + 10
    default: nil
    }
  }
}
