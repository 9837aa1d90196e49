internal import Protobuf

/// The names and label sets of one scrape, each encoded once as in a request of remote write 1.0: `Label` messages, field 1 of
/// `TimeSeries`, sorted by name and without empty values. A series is a name and a set.
///
/// Source: https://github.com/prometheus/prometheus/blob/main/prompb/types.proto and the remote write 1.0 specification,
/// https://prometheus.io/docs/specs/prw/remote_write_spec/
struct EncodedSeries: Sendable {
  /// An encoded name or set in `bytes`.
  struct Part: Sendable {
    var bytes: Range<Int>
    /// For a set, the offset at which `__name__` sorts among its labels: `bytes.lowerBound` unless a label starts with a capital letter.
    var nameAt: Int
    /// Equal for equal bytes within this process.
    var hash: UInt64
  }

  struct Series: Sendable {
    var name: Int32
    var set: Int32
  }

  private(set) var bytes: [UInt8] = []
  private(set) var names: [Part] = []
  private(set) var sets: [Part] = []
  private(set) var series: [Series] = []
  /// Independent of the order of the series.
  private(set) var digest: UInt64 = 0

  private let extra: [(name: [UInt8], value: [UInt8])]
  /// The sorted labels of the current set. Kept to reuse its storage.
  private var order: [PushedScrape.Label] = []

  /// - Parameter extra: labels added to every series that has none of that name.
  init(extra: [String: String]) {
    self.extra = extra.filter { !$0.value.isEmpty }.sorted { $0.key < $1.key }.map { (Array($0.key.utf8), Array($0.value.utf8)) }
  }

  /// Replaces the contents by an encoded scrape.
  mutating func encode(_ scrape: PushedScrape) {
    bytes.removeAll(keepingCapacity: true)
    names.removeAll(keepingCapacity: true)
    sets.removeAll(keepingCapacity: true)
    series.removeAll(keepingCapacity: true)
    digest = 0
    scrape.text.withUnsafeBytes { text in
      for name in scrape.names {
        let start = bytes.count
        bytes.append(label: Self.metricName[...], value: text[name])
        names.append(Part(bytes: start..<bytes.count, nameAt: start, hash: Self.hash(bytes, start..<bytes.count)))
      }
      for set in scrape.setStarts.indices { encode(scrape.labels(ofSet: set), text) }
    }
    for sample in scrape.samples {
      series.append(Series(name: sample.name, set: sample.labelSet))
      digest &+= hash(of: series[series.count - 1])
    }
  }

  func hash(of series: Series) -> UInt64 {
    Self.hash(name: names[Int(series.name)].hash, set: sets[Int(series.set)].hash)
  }

  static func hash(name: UInt64, set: UInt64) -> UInt64 { mix(name ^ mix(set)) }

  // MARK: Labels

  private static let metricName = Array("__name__".utf8)

  private mutating func encode(_ labels: ArraySlice<PushedScrape.Label>, _ text: UnsafeRawBufferPointer) {
    let start = bytes.count
    var nameAt: Int?
    order.removeAll(keepingCapacity: true)
    // Insertion sort, since exporters mostly sort labels already.
    for label in labels {
      var index = order.count
      while index > 0, precedes(text[label.name], text[order[index - 1].name]) { index -= 1 }
      order.insert(label, at: index)
    }
    var nextExtra = 0
    func appendExtras(before name: Slice<UnsafeRawBufferPointer>?) {
      while nextExtra < extra.count, name.map({ precedes(extra[nextExtra].name, $0) }) ?? true {
        if nameAt == nil, precedes(Self.metricName, extra[nextExtra].name) { nameAt = bytes.count }
        bytes.append(label: extra[nextExtra].name[...], value: extra[nextExtra].value[...])
        nextExtra += 1
      }
    }
    for label in order {
      let name = text[label.name]
      appendExtras(before: name)
      if nextExtra < extra.count, extra[nextExtra].name.elementsEqual(name) { nextExtra += 1 }
      if nameAt == nil, precedes(Self.metricName, name) { nameAt = bytes.count }
      bytes.append(label: name, value: text[label.value])
    }
    appendExtras(before: nil)
    sets.append(Part(bytes: start..<bytes.count, nameAt: nameAt ?? bytes.count, hash: Self.hash(bytes, start..<bytes.count)))
  }

  private func precedes(_ left: some Collection<UInt8>, _ right: some Collection<UInt8>) -> Bool {
    left.lexicographicallyPrecedes(right)
  }

  // MARK: Hashes

  /// A 64-bit hash, eight bytes at a time. Seeded per process, so that an exporter cannot provoke collisions.
  static func hash(_ bytes: [UInt8], _ range: Range<Int>) -> UInt64 {
    bytes.withUnsafeBytes { hash(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }

  static func hash(_ section: UnsafeRawBufferPointer) -> UInt64 {
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

  private static let seed = UInt64.random(in: .min ... .max)

  private static func mix(_ value: UInt64) -> UInt64 {
    let product = value.multipliedFullWidth(by: 0x9e37_79b9_7f4a_7c15)
    return product.high ^ product.low
  }
}
