package import Primitives

/// The active targets that a scraper reports, 64 bytes each besides the texts that they share, found by address.
///
/// Targets whose address is not an IP address are not kept: service discovery of Kubernetes makes none for Pods.
struct TargetTable: Sendable {
  /// A failure's text is not kept once there are so many different ones; its kind is.
  static let maximumFailures = 1024
  private static let rowsPerSegment = 4096

  private struct Row {
    /// The Pod's UID, or the indices of its namespace and name.
    var pod: (UInt64, UInt64) = (0, 0)
    var address: (UInt64, UInt64)
    /// In milliseconds since 1970; 0 before the first scrape.
    var lastScrape: Int64 = 0
    /// In milliseconds; 0 if it is unknown.
    var interval: UInt32 = 0
    var pool: UInt32
    /// 0 for none, otherwise an index plus 1.
    var container: UInt32 = 0
    var failure: UInt32 = 0
    /// 0 without a port.
    var port: UInt16
    var health: TargetHealth
    var podKey = PodKey.none
  }

  private enum PodKey: UInt8 {
    case none, uid, name, node
  }

  // Segments, because an array that grows needs three times its memory for a moment.
  private var segments: [[Row]] = []
  /// Indices of rows, sorted by address and port.
  private var order: [UInt32] = []
  private var texts = TextTable()
  private var intervals = IntervalReader()
  private var failures: [ScrapeFailure] = []
  /// By message.
  private var failureIndices: [String: UInt32] = [:]

  /// The number of targets.
  private(set) var count = 0
  /// Targets without an IP address.
  private(set) var unnamedCount = 0
  /// Targets whose URL names a node.
  private var nodeRows: [UInt32] = []

  /// When the response was sent, in milliseconds since 1970, by the scraper's clock.
  private var sent: Int64 = 0

  init() {}

  private subscript(index: UInt32) -> Row {
    segments[Int(index) / Self.rowsPerSegment][Int(index) % Self.rowsPerSegment]
  }

  // MARK: Filling

  mutating func append(_ target: borrowing ScannedTarget) {
    // vmagent without discovered labels: what it scrapes is the only address.
    let address = target[.address].isEmpty ? URLParts(target.text(.url))?.address ?? "" : target.text(.address)[...]
    guard let socket = SocketAddress(address) else {
      unnamedCount += 1
      return
    }
    var row = Row(
      address: socket.key, pool: texts.index(of: target.text(.pool)), port: socket.port ?? 0,
      health: TargetHealth(name: target.text(.health)))
    identify(&row, target)
    let container = target[.container].isEmpty ? target.text(.finalContainer) : target.text(.container)
    if !container.isEmpty { row.container = texts.index(of: container) + 1 }
    // Before the first scrape Go's zero time, in the year 1.
    if let time = Timestamp(rfc3339: target.text(.lastScrape)), time.seconds > 0 { row.lastScrape = time.unixMilliseconds }
    row.interval = intervals.milliseconds(target[.interval])
    if !target[.error].isEmpty { row.failure = failure(of: target) + 1 }
    if row.podKey == .node { nodeRows.append(UInt32(count)) }
    if count.isMultiple(of: Self.rowsPerSegment) {
      segments.append([])
      segments[segments.count - 1].reserveCapacity(Self.rowsPerSegment)
    }
    segments[segments.count - 1].append(row)
    count += 1
  }

  private mutating func identify(_ row: inout Row, _ target: borrowing ScannedTarget) {
    let uid = target[.podUID].withUnsafeBytes { UID(bytes: $0) }
    if case .uuid(let high, let low) = uid {
      row.pod = (high, low)
      row.podKey = .uid
      return
    }
    let hasDiscovered = !target[.pod].isEmpty
    let (namespace, pod) =
      hasDiscovered ? (target.text(.namespace), target.text(.pod)) : (target.text(.finalNamespace), target.text(.finalPod))
    guard !pod.isEmpty else { return identify(&row, byURL: target[.url]) }
    row.pod = (UInt64(texts.index(of: namespace)), UInt64(texts.index(of: pod)))
    row.podKey = .name
  }

  private mutating func identify(_ row: inout Row, byURL url: [UInt8]) {
    guard let query = url.firstIndex(of: UInt8(ascii: "?")) else { return }
    for parameter in url[(query + 1)...].split(separator: UInt8(ascii: "&")) where parameter.starts(with: Self.nodeParameter) {
      row.pod = (UInt64(texts.index(of: String(decoding: parameter.dropFirst(Self.nodeParameter.count), as: UTF8.self))), 0)
      row.podKey = .node
    }
  }

  /// Our own targets that are served for nodes have it. Names of nodes need no escaping in URLs.
  private static let nodeParameter = Array("node=".utf8)

  /// The index of the target's failure. Its text is without the target's URL, so that the failures of many targets share one.
  private mutating func failure(of target: borrowing ScannedTarget) -> UInt32 {
    var message = target.text(.error)
    // Go's `url.Error`: `Get "URL": cause`.
    let prefix = "Get \"\(target.text(.url))\": "
    if message.hasPrefix(prefix) { message.removeFirst(prefix.count) }
    if let known = failureIndices[message] { return known }
    var failure = ScrapeFailure(message: message)
    if failures.count >= Self.maximumFailures {
      // One without a text for each kind.
      failure.message = ""
      message = failure.kind.rawValue
      if let known = failureIndices[message] { return known }
    }
    failures.append(failure)
    failureIndices[message] = UInt32(failures.count - 1)
    return UInt32(failures.count - 1)
  }

  /// Sorts the targets. Until then none is found.
  /// - Parameter sent: when the response was sent, by the scraper's clock. Ages are relative to it.
  mutating func finish(sent: Timestamp) {
    self.sent = sent.unixMilliseconds
    order = (0..<UInt32(count)).sorted { Self.key(self[$0]) < Self.key(self[$1]) }
  }

  private static func key(_ row: Row) -> (UInt64, UInt64, UInt16) { (row.address.0, row.address.1, row.port) }

  // MARK: Finding

  /// The targets with that address before relabelling.
  /// - Parameter port: `nil` for an address without a port.
  func targets(at address: IPAddress, port: UInt16?) -> [ObservedTarget] {
    let socket = SocketAddress(address: address, port: port)
    let wanted = (socket.key.0, socket.key.1, port ?? 0)
    let first = order.partitioningIndex { Self.key(self[$0]) >= wanted }
    return order[first...].prefix { Self.key(self[$0]) == wanted }.map { observed(self[$0]) }
  }

  /// The targets whose URL names a node.
  var nodes: [(node: String, target: ObservedTarget)] {
    nodeRows.compactMap { index in
      let target = observed(self[index])
      guard case .node(let node) = target.pod else { return nil }
      return (node, target)
    }
  }

  private func observed(_ row: Row) -> ObservedTarget {
    let pod: ObservedTarget.Pod? =
      switch row.podKey {
      case .none: nil
      case .uid: .uid(.uuid(row.pod.0, row.pod.1))
      case .node: .node(texts[UInt32(row.pod.0)])
      case .name: .named(texts[UInt32(row.pod.1)], namespace: texts[UInt32(row.pod.0)])
      }
    return ObservedTarget(
      pool: texts[row.pool], pod: pod, container: row.container == 0 ? nil : texts[row.container - 1], health: row.health,
      age: row.lastScrape == 0 ? nil : .milliseconds(max(0, sent - row.lastScrape)),
      interval: row.interval == 0 ? nil : .milliseconds(row.interval), failure: row.failure == 0 ? nil : failures[Int(row.failure) - 1])
  }
}

/// `health` of a target.
package enum TargetHealth: UInt8, Hashable, Sendable {
  /// Before the first scrape.
  case unknown
  case up
  case down

  init(name: String) {
    self = name == "up" ? .up : name == "down" ? .down : .unknown
  }
}

/// What a scraper says about one of its active targets.
package struct ObservedTarget: Hashable, Sendable {
  package enum Pod: Hashable, Sendable {
    case uid(UID)
    /// Where the scraper reports no UID.
    case named(String, namespace: String)
    /// Only the URL says for which node it is.
    case node(String)
  }

  package var pool: String
  /// `nil` if the target has no labels of a Pod.
  package var pod: Pod?
  /// Of several containers behind one port, the one that service discovery names; `nil` if no container declares the port.
  package var container: String?
  package var health: TargetHealth
  /// Of the last scrape when the targets were read, by the scraper's clock alone; `nil` before the first scrape.
  package var age: Duration?
  package var interval: Duration?
  /// Of the last scrape, if it failed.
  package var failure: ScrapeFailure?

  package init(
    pool: String, pod: Pod? = nil, container: String? = nil, health: TargetHealth = .unknown, age: Duration? = nil,
    interval: Duration? = nil, failure: ScrapeFailure? = nil
  ) {
    self.pool = pool
    self.pod = pod
    self.container = container
    self.health = health
    self.age = age
    self.interval = interval
    self.failure = failure
  }
}

/// `address:port`, `[address]:port` or an address alone.
struct SocketAddress {
  var address: IPAddress
  var port: UInt16?

  init(address: IPAddress, port: UInt16?) {
    self.address = address
    self.port = port
  }

  init?(_ text: Substring) {
    if let address = IPAddress(String(text)) {
      self.init(address: address, port: nil)
      return
    }
    let isBracketed = text.first == "["
    guard let end = isBracketed ? text.lastIndex(of: "]") : text.lastIndex(of: ":"),
      let address = IPAddress(String(isBracketed ? text[..<end].dropFirst() : text[..<end]))
    else { return nil }
    let rest = isBracketed ? text[end...].dropFirst() : text[end...]
    guard !rest.isEmpty else {
      self.init(address: address, port: nil)
      return
    }
    guard rest.first == ":", let port = UInt16(rest.dropFirst()) else { return nil }
    self.init(address: address, port: port)
  }

  /// IPv4 addresses are mapped into IPv6.
  var key: (UInt64, UInt64) { address.v6 ?? (0, 0xffff << 32 | UInt64(address.v4 ?? 0)) }
}

/// Texts by index, each once.
private struct TextTable {
  private var texts: [String] = []
  private var indices: [String: UInt32] = [:]
  private var last: (text: String, index: UInt32)?

  subscript(index: UInt32) -> String { texts[Int(index)] }

  mutating func index(of text: String) -> UInt32 {
    // Consecutive targets usually have the pool and the namespace in common.
    if let last, last.text == text { return last.index }
    let index = indices[text] ?? UInt32(texts.count)
    if index == texts.count {
      texts.append(text)
      indices[text] = index
    }
    last = (text, index)
    return index
  }
}

/// Reads `15s`. All targets of a pool usually have the same interval.
private struct IntervalReader {
  private var last: (text: [UInt8], milliseconds: UInt32) = ([], 0)

  /// 0 for other text.
  mutating func milliseconds(_ text: [UInt8]) -> UInt32 {
    if text != last.text {
      let duration = Duration(text: String(decoding: text, as: UTF8.self))
      last = (text, duration.flatMap { UInt32(exactly: Int64($0 / .milliseconds(1))) } ?? 0)
    }
    return last.milliseconds
  }
}
