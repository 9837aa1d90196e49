/// A request of Open-Falcon in the making: a JSON array with one item for each sample.
///
/// Source: the data model of open-falcon/book, `{endpoint, metric, timestamp, step, value, counterType, tags}`, POST /v1/push.
struct FalconItems: Sendable {
  private(set) var bytes: [UInt8] = []
  private(set) var samples = 0

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    samples = 0
  }

  /// Appends a series' newest value. JSON has no NaN and no infinity, and Open-Falcon nothing to say of them: such a sample is left out.
  /// - Parameters:
  ///   - endpoint: whom the value is of, Open-Falcon's first key.
  ///   - tags: by name; a value's commas, equals signs and blanks, which tags cannot have, become underscores.
  mutating func append(
    endpoint: String, metric: String, tags: [(name: String, value: String)], value: Double, isCounter: Bool, unixSeconds: Int64, step: Int64
  ) {
    guard value.isFinite else { return }
    bytes.append(bytes.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
    append("{\"endpoint\":")
    append(quoted: endpoint)
    append(",\"metric\":")
    append(quoted: metric)
    append(
      ",\"timestamp\":\(unixSeconds),\"step\":\(step),\"value\":\(value),\"counterType\":\"\(isCounter ? "COUNTER" : "GAUGE")\",\"tags\":")
    append(quoted: tags.map { "\($0.name)=\(Self.tagValue($0.value))" }.joined(separator: ","))
    bytes.append(UInt8(ascii: "}"))
    samples += 1
  }

  mutating func takeBlock() -> PushBlock {
    let block = PushBlock(bytes: bytes + [UInt8(ascii: "]")], samples: samples)
    removeAll()
    return block
  }

  private static func tagValue(_ value: String) -> String {
    String(value.map { $0 == "," || $0 == "=" || $0.isWhitespace ? "_" : $0 })
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }

  private mutating func append(quoted text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        append("\\u00")
        bytes.append(digits[Int(byte >> 4)])
        bytes.append(digits[Int(byte & 15)])
      default: bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
