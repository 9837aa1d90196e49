internal import Protobuf

extension PushBlock {
  /// Whether the block is a request of remote write 2.0. Such a request begins with its symbols, field 4, which 1.0 does not have.
  var hasSymbols: Bool { SnappyBlock.firstByte(of: bytes) == 4 << 3 | 2 }

  /// The same samples as a request of remote write 1.0; `nil` if the block is no request of 2.0.
  func withoutSymbols() -> PushBlock? {
    guard let message = SnappyBlock.uncompress(bytes.span, limit: Self.largestMessage) else { return nil }
    do throws(ProtobufError) {
      let converted = try Self.converted(message)
      return PushBlock(bytes: SnappyBlock.compress(converted.span), samples: samples, newest: newest)
    } catch {
      return nil
    }
  }

  private static let largestMessage = 256 << 20
  private static let valueField: UInt8 = 1 << 3 | 1
  private static let valueOfZero: ArraySlice<UInt8> = [valueField, 0, 0, 0, 0, 0, 0, 0, 0]

  private static func converted(_ message: [UInt8]) throws(ProtobufError) -> [UInt8] {
    var symbols: [ArraySlice<UInt8>] = []
    func symbol(_ number: UInt64) throws(ProtobufError) -> ArraySlice<UInt8> {
      guard number < UInt64(symbols.count) else { throw ProtobufError(reason: "there is no symbol \(number)") }
      return symbols[Int(number)]
    }
    var output: [UInt8] = []
    var series: [UInt8] = []
    var described: Set<ArraySlice<UInt8>> = []
    var reader = ProtobufReader(message[...])
    while let field = try reader.next() {
      if field.number == 4 { symbols.append(field.bytes) }
      guard field.number == 5 else { continue }
      series.removeAll(keepingCapacity: true)
      var name: ArraySlice<UInt8> = []
      var metadata: ArraySlice<UInt8>?
      var parts = ProtobufReader(field.bytes)
      while let part = try parts.next() {
        switch part.number {
        case 1:
          var numbers = part.bytes
          while !numbers.isEmpty {
            let label = try symbol(numbers.popVarint())
            let value = try symbol(numbers.popVarint())
            if label.elementsEqual("__name__".utf8) { name = value }
            series.append(label: label, value: value)
          }
        // A sample has the same fields in both versions. Its value comes first, and is left out if it is 0.
        case 2: series.append(field: 2, part.bytes.first == valueField ? part.bytes : valueOfZero + part.bytes)
        case 5: metadata = part.bytes
        default: break
        }
      }
      output.append(field: 1, series)
      guard let metadata else { continue }
      var (type, help): (UInt64, ArraySlice<UInt8>) = (0, [])
      var values = ProtobufReader(metadata)
      while let value = try values.next() {
        guard case .varint(let number) = value.value else { continue }
        if value.number == 1 { type = number }
        if value.number == 3 { help = try symbol(number) }
      }
      let family = Self.family(of: name, type: type)
      if described.insert(family).inserted { output.append(metadataOfType: type, name: family, help: help) }
    }
    return output
  }

  /// The name of the family, of which series of histograms and summaries have more.
  private static func family(of name: ArraySlice<UInt8>, type: UInt64) -> ArraySlice<UInt8> {
    let composed = [PushedScrape.MetricType.histogram, .summary].map { UInt64($0.rawValue) }
    guard composed.contains(type), let suffix = SymbolRequest.suffixes.first(where: { name.ends(with: $0) }) else { return name }
    return name.dropLast(suffix.count)
  }
}

extension ArraySlice<UInt8> {
  fileprivate mutating func popVarint() throws(ProtobufError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), to: 35, by: 7) {
      guard let byte = popFirst() else { throw ProtobufError(reason: "a reference is cut off") }
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return value }
    }
    throw ProtobufError(reason: "a reference has more than 32 bits")
  }

  fileprivate func ends(with suffix: [UInt8]) -> Bool { self.suffix(suffix.count).elementsEqual(suffix) }
}
