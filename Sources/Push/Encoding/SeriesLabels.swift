internal import Exposition

/// The label sets of one page's series, each in the form that a remote-write request has them in: `Label` messages, field 1 of
/// `TimeSeries`, sorted by name and without empty values.
///
/// Source: https://github.com/prometheus/prometheus/blob/main/prompb/types.proto and the remote write 1.0 specification,
/// https://prometheus.io/docs/specs/prw/remote_write_spec/
struct SeriesLabels: Sendable {
  /// Where one series stands in `bytes`.
  struct Series: Sendable {
    var labels: Range<Int>
    /// Of the labels; equal labels have equal hashes within this process.
    var hash: UInt64
    var value: Double
    var timestamp: Int64
  }

  private(set) var bytes: [UInt8] = []
  private(set) var series: [Series] = []
  /// Does not depend on the order of the series.
  private(set) var digest: UInt64 = 0

  private let extra: [(name: [UInt8], value: [UInt8])]
  /// Used again for each sample: which labels, in the order of their names.
  private var order: [Part] = []
  private var unescaped: [UInt8] = []

  private struct Part {
    var name: Name
    var value: Value
    enum Name {
      case metric
      case onPage(Range<Int>)
      case extra(Int)
    }
    enum Value {
      case onPage(Range<Int>)
      case unescaped(Range<Int>)
      case extra(Int)
    }
  }

  /// - Parameter extra: labels that every series is given unless it has its own of that name.
  init(extra: [String: String]) {
    self.extra = extra.sorted { $0.key < $1.key }.filter { !$0.value.isEmpty }.map { (Array($0.key.utf8), Array($0.value.utf8)) }
  }

  mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    series.removeAll(keepingCapacity: true)
    digest = 0
  }

  /// - Parameter timestamp: for a sample without a time of its own, or where `keepsTimestamps` is false for every one.
  mutating func add(_ sample: borrowing ScannedSample, on page: borrowing Span<UInt8>, at timestamp: Int64, keepsTimestamps: Bool) {
    sort(sample, on: page)
    let start = bytes.count
    for part in order { write(part, of: sample, on: page) }
    let range = start..<bytes.count
    let hash = Self.hash(bytes, range)
    digest &+= hash
    series.append(
      Series(
        labels: range, hash: hash, value: sample.value,
        timestamp: keepsTimestamps ? sample.timestampMilliseconds ?? timestamp : timestamp))
  }

  // MARK: Order

  private mutating func sort(_ sample: borrowing ScannedSample, on page: borrowing Span<UInt8>) {
    order.removeAll(keepingCapacity: true)
    unescaped.removeAll(keepingCapacity: true)
    insert(Part(name: .metric, value: .onPage(sample.name)), on: page)
    for label in sample.labels where !label.isEmpty {
      let value: Part.Value
      if label.isEscaped {
        let start = unescaped.count
        unescaped.append(contentsOf: label.text(in: page).utf8)
        value = .unescaped(start..<unescaped.count)
      } else {
        value = .onPage(label.value)
      }
      insert(Part(name: .onPage(label.name), value: value), on: page)
    }
    for index in extra.indices where !order.contains(where: { compare($0.name, .extra(index), on: page) == 0 }) {
      insert(Part(name: .extra(index), value: .extra(index)), on: page)
    }
  }

  /// Exporters sort the labels themselves, so that most go to the end at once.
  private mutating func insert(_ part: Part, on page: borrowing Span<UInt8>) {
    var place = order.count
    while place > 0, compare(order[place - 1].name, part.name, on: page) > 0 { place -= 1 }
    order.insert(part, at: place)
  }

  private static let metricName: StaticString = "__name__"

  private func compare(_ left: Part.Name, _ right: Part.Name, on page: borrowing Span<UInt8>) -> Int {
    withName(left, on: page) { left in
      withName(right, on: page) { right in
        let common = min(left.count, right.count)
        var index = 0
        while index < common {
          if left[index] != right[index] { return left[index] < right[index] ? -1 : 1 }
          index += 1
        }
        return left.count - right.count
      }
    }
  }

  private func withName<Result>(
    _ name: Part.Name, on page: borrowing Span<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    switch name {
    case .metric: Self.metricName.withUTF8Buffer(body)
    case .onPage(let range): page.withUnsafeBufferPointer { body(UnsafeBufferPointer(rebasing: $0[range])) }
    case .extra(let index): extra[index].name.withUnsafeBufferPointer(body)
    }
  }

  // MARK: Bytes

  private mutating func write(_ part: Part, of sample: borrowing ScannedSample, on page: borrowing Span<UInt8>) {
    let nameLength = withName(part.name, on: page) { $0.count }
    let valueLength =
      switch part.value {
      case .onPage(let range), .unescaped(let range): range.count
      case .extra(let index): extra[index].value.count
      }
    let nameSize = 1 + Protobuf.size(ofVarint: UInt64(nameLength)) + nameLength
    let valueSize = 1 + Protobuf.size(ofVarint: UInt64(valueLength)) + valueLength
    Protobuf.append(key: 1, length: nameSize + valueSize, to: &bytes)
    Protobuf.append(key: 1, length: nameLength, to: &bytes)
    switch part.name {
    case .metric: Self.metricName.withUTF8Buffer { bytes.append(contentsOf: $0) }
    case .onPage(let range): page.extracting(range).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    case .extra(let index): bytes.append(contentsOf: extra[index].name)
    }
    Protobuf.append(key: 2, length: valueLength, to: &bytes)
    switch part.value {
    case .onPage(let range): page.extracting(range).withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
    case .unescaped(let range): bytes.append(contentsOf: unescaped[range])
    case .extra(let index): bytes.append(contentsOf: extra[index].value)
    }
  }

  /// 64 bits of the bytes, eight at a time; seeded for each process, so that a page cannot be made to collide.
  static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
    bytes.withUnsafeBytes { all in
      let section = UnsafeRawBufferPointer(rebasing: all[range])
      var hash = seed ^ UInt64(section.count)
      var offset = 0
      while offset + 8 <= section.count {
        hash = mix(hash ^ section.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        offset += 8
      }
      var rest: UInt64 = 0
      while offset < section.count {
        rest = rest << 8 | UInt64(section[offset])
        offset += 1
      }
      return mix(mix(hash ^ rest))
    }
  }

  private static let seed = UInt64.random(in: .min ... .max)

  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    return product.high ^ product.low
  }
}
