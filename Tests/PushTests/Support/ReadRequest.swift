@testable import Push

/// A decoded remote-write request. Deliberately independent of module `Protobuf`, which encodes it.
struct ReadRequest: Equatable {
  struct Series: Equatable {
    var labels: [[String]] = []
    var samples: [Sample] = []
  }

  struct Sample: Equatable {
    var bits: UInt64
    var timestamp: Int64
  }

  struct Metadata: Equatable {
    var type: UInt8
    var name: String
    var help: String
  }

  var series: [Series] = []
  var metadata: [Metadata] = []
  /// Of a request of remote write 2.0.
  var symbols: [String] = []

  init?(_ block: [UInt8]) {
    guard let bytes = SnappyBlock.uncompress(block.span, limit: 1 << 24) else { return nil }
    if bytes.first == 0x22 {
      readSymbols(bytes)
      return
    }
    for (field, content) in Self.fields(of: bytes[...]) {
      guard field == 1 else {
        // 0x08: field 1, a varint.
        let texts = Self.fields(of: content.dropFirst(2)).map { String(decoding: $0.content, as: UTF8.self) }
        metadata.append(Metadata(type: content[content.startIndex + 1], name: texts[0], help: texts[1]))
        continue
      }
      var one = Series()
      for (field, content) in Self.fields(of: content) {
        if field == 1 {
          one.labels.append(Self.fields(of: content).map { String(decoding: $0.content, as: UTF8.self) })
        } else {
          one.samples.append(Self.sample(content))
        }
      }
      series.append(one)
    }
  }

  /// A request of remote write 2.0.
  private mutating func readSymbols(_ bytes: [UInt8]) {
    let fields = Self.fields(of: bytes[...])
    symbols = fields.filter { $0.field == 4 }.map { String(decoding: $0.content, as: UTF8.self) }
    for (field, content) in fields where field == 5 {
      var one = Series()
      var described: Metadata?
      for (field, part) in Self.fields(of: content) {
        var rest = part
        switch field {
        case 1:
          while !rest.isEmpty { one.labels.append([symbols[Int(Self.varint(&rest))], symbols[Int(Self.varint(&rest))]]) }
        case 2:
          // The value is left out if it is 0.
          one.samples.append(Self.sample(part.first == 0x09 ? part : [0x09, 0, 0, 0, 0, 0, 0, 0, 0] + part))
        default:
          var metadata = Metadata(type: 0, name: "", help: "")
          while !rest.isEmpty {
            let key = Self.varint(&rest)
            let number = Self.varint(&rest)
            if key == 0x08 { metadata.type = UInt8(number) } else { metadata.help = symbols[Int(number)] }
          }
          described = metadata
        }
      }
      if var described {
        described.name = one.labels.first { $0[0] == "__name__" }?[1] ?? ""
        metadata.append(described)
      }
      series.append(one)
    }
  }

  private static func fields(of bytes: ArraySlice<UInt8>) -> [(field: UInt64, content: ArraySlice<UInt8>)] {
    var rest = bytes
    var fields: [(UInt64, ArraySlice<UInt8>)] = []
    while !rest.isEmpty {
      let key = varint(&rest)
      let length = Int(varint(&rest))
      fields.append((key >> 3, rest.prefix(length)))
      rest = rest.dropFirst(length)
    }
    return fields
  }

  private static func sample(_ bytes: ArraySlice<UInt8>) -> Sample {
    var rest = bytes.dropFirst()  // 0x09: field 1, eight bytes
    let bits = rest.prefix(8).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    rest = rest.dropFirst(9)  // and 0x10: field 2, a varint
    return Sample(bits: bits, timestamp: Int64(bitPattern: varint(&rest)))
  }

  private static func varint(_ bytes: inout ArraySlice<UInt8>) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let byte = bytes.popFirst() {
      value |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { break }
      shift += 7
    }
    return value
  }
}
