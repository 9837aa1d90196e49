/// Byte sizes in Prometheus's notation: `512KB`, `64MB`, `2GB`, where 1 KB is 1024 bytes.
enum ByteSize {
  private static let units = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10), ("B", 1)].map { (name: $0.0, bytes: $0.1) }

  static func text(of bytes: Int) -> String {
    let unit = units.first { bytes % $0.bytes == 0 }
    return unit.map { "\(bytes / $0.bytes)\($0.name)" } ?? "\(bytes)B"
  }

  /// `nil` unless the text is an integer with a unit.
  static func bytes(of text: String) -> Int? {
    guard let unit = units.first(where: { text.hasSuffix($0.name) }),
      case let digits = text.dropLast(unit.name.count), digits.allSatisfy({ $0.isASCII && $0.isNumber }), let count = Int(digits)
    else { return nil }
    let (value, overflow) = count.multipliedReportingOverflow(by: unit.bytes)
    return overflow ? nil : value
  }
}
