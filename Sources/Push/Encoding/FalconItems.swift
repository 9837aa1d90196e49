/// A request of Open-Falcon in the making: a JSON array with one item for each sample.
///
/// Source: the data model of open-falcon/book, `{endpoint, metric, timestamp, step, value, counterType, tags}`, POST /v1/push.
struct FalconItems: Sendable {
  /// What items of one metric have in common.
  struct Metric: Sendable {
    fileprivate let name: [UInt8]
    fileprivate let counterType: StaticString

    init(_ name: String, isCounter: Bool) {
      self.name = quoted(name)
      counterType = isCounter ? "COUNTER" : "GAUGE"
    }
  }

  /// What items of one label set have in common.
  struct Origin: Sendable {
    fileprivate let endpoint: [UInt8]
    fileprivate let tags: [UInt8]

    /// - Parameters:
    ///   - endpoint: whom the values are of, Open-Falcon's first key.
    ///   - tags: by name; a value's commas, equals signs and blanks, which tags cannot have, become underscores.
    init(endpoint: String, tags: [(name: String, value: String)]) {
      self.endpoint = quoted(endpoint)
      self.tags = quoted(tags.map { "\($0.name)=\(Self.tagValue($0.value))" }.joined(separator: ","))
    }

    private static func tagValue(_ value: String) -> String {
      String(value.map { $0 == "," || $0 == "=" || $0.isWhitespace ? "_" : $0 })
    }
  }

  private(set) var samples = 0
  private let limit: Int
  private var bytes: [UInt8] = []
  private var newest: Int64 = .min
  private var full: [PushBlock] = []

  /// - Parameter limit: items with which a request is full.
  init(limit: Int) {
    self.limit = max(limit, 1)
  }

  /// Appends a value. JSON has no NaN and no infinity, and Open-Falcon nothing to say of them: such a sample is left out.
  mutating func append(_ metric: Metric, of origin: Origin, value: Double, unixMilliseconds: Int64, step: Int64) {
    guard value.isFinite else { return }
    bytes.append(bytes.isEmpty ? UInt8(ascii: "[") : UInt8(ascii: ","))
    append("{\"endpoint\":")
    bytes.append(contentsOf: origin.endpoint)
    append(",\"metric\":")
    bytes.append(contentsOf: metric.name)
    append(
      ",\"timestamp\":\(unixMilliseconds / 1000),\"step\":\(step),\"value\":\(value),\"counterType\":\"\(metric.counterType)\",\"tags\":")
    bytes.append(contentsOf: origin.tags)
    bytes.append(UInt8(ascii: "}"))
    samples += 1
    newest = max(newest, unixMilliseconds)
    if samples >= limit, let block = takeBlock() { full.append(block) }
  }

  /// The requests that became full since this was last called.
  mutating func takeFull() -> [PushBlock] {
    defer { full = [] }
    return full
  }

  /// The request as it is sent, and an empty one to go on with; `nil` where nothing is in it.
  mutating func takeBlock() -> PushBlock? {
    guard samples > 0 else { return nil }
    let block = PushBlock(bytes: bytes + [UInt8(ascii: "]")], samples: samples, newest: newest)
    bytes.removeAll(keepingCapacity: true)
    samples = 0
    newest = .min
    return block
  }

  private mutating func append(_ text: String) {
    bytes.append(contentsOf: text.utf8)
  }
}

/// As a JSON string.
private func quoted(_ text: String) -> [UInt8] {
  var bytes: [UInt8] = [UInt8(ascii: "\"")]
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      bytes.append(UInt8(ascii: "\\"))
      bytes.append(byte)
    case 0..<0x20:
      let digits = Array("0123456789abcdef".utf8)
      bytes.append(contentsOf: "\\u00".utf8)
      bytes.append(digits[Int(byte >> 4)])
      bytes.append(digits[Int(byte & 15)])
    default: bytes.append(byte)
    }
  }
  bytes.append(UInt8(ascii: "\""))
  return bytes
}
