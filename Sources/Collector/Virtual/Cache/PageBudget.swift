/// How much the response for one virtual node may contain, so that Prometheus never refuses it as a whole.
package struct PageBudget: Hashable, Sendable {
  package var samples: Int
  /// In the text format, not compressed.
  package var bytes: Int

  package init(samples: Int, bytes: Int) {
    self.samples = samples
    self.bytes = bytes
  }

  /// The limit that a page of this size exceeds. `nil` if it is within the budget.
  func limit(exceededBy size: PageSize) -> String? {
    if size.samples > samples { return "\(samples) samples" }
    return size.bytes > bytes ? "\(bytes) bytes" : nil
  }

  /// The share of the budget that the size takes: of samples or of bytes, whichever is larger.
  func fraction(of size: PageSize) -> Double {
    max(Double(size.samples) / Double(max(samples, 1)), Double(size.bytes) / Double(max(bytes, 1)))
  }
}

/// The size of a page, or of a scrape's part of it.
struct PageSize: Hashable, Sendable {
  var samples = 0
  /// Upper bound.
  var bytes = 0

  static func + (left: PageSize, right: PageSize) -> PageSize {
    PageSize(samples: left.samples + right.samples, bytes: left.bytes + right.bytes)
  }
}

extension CachedScrape {
  /// Its samples, without HELP and TYPE lines.
  var pageSize: PageSize { PageSize(samples: seriesCount, bytes: textBytes) }
}

/// The scrapes on a node's page, and those that are left out because the page would exceed its budget.
///
/// When a scrape does not fit, the largest one gives way, because it costs the most others their place. Of scrapes of about the same size
/// the one that is on the page stays, so that they do not replace each other in every round.
struct NodePage: Sendable {
  private(set) var scrapes: [VirtualScrapeCache.Key: VirtualScrapeCache.Stored] = [:]
  /// Why scrapes are left out.
  private(set) var leftOut: [VirtualScrapeCache.Key: String] = [:]
  /// The sum of the scrapes.
  private var size = PageSize()
  /// The shapes of the scrapes: how many scrapes have each.
  private var shapes: [ObjectIdentifier: Int] = [:]
  /// The sum of the shapes.
  private var headerBytes = 0

  /// Adds or replaces a scrape, or leaves it out.
  /// - Parameter oldest: scrapes that arrived before are not served any more.
  mutating func store(
    _ stored: VirtualScrapeCache.Stored, _ key: VirtualScrapeCache.Key, within budget: PageBudget?,
    servedSince oldest: ContinuousClock.Instant
  ) {
    remove(key)
    guard let budget else {
      add(stored, key)
      return
    }
    if budget.limit(exceededBy: sizeWithHeaders(adding: stored.scrape)) != nil {
      for (key, other) in scrapes where other.arrival < oldest { remove(key) }
    }
    let added = stored.scrape.pageSize
    while let limit = budget.limit(exceededBy: sizeWithHeaders(adding: stored.scrape)) {
      let largest = scrapes.max { budget.fraction(of: $0.value.scrape.pageSize) < budget.fraction(of: $1.value.scrape.pageSize) }
      guard let largest, budget.fraction(of: largest.value.scrape.pageSize) > 1.25 * budget.fraction(of: added) else {
        leftOut[key] = Self.reason(added, limit)
        return
      }
      let given = largest.value.scrape.pageSize
      remove(largest.key)
      leftOut[largest.key] = Self.reason(given, limit)
    }
    add(stored, key)
  }

  private mutating func add(_ stored: VirtualScrapeCache.Stored, _ key: VirtualScrapeCache.Key) {
    scrapes[key] = stored
    size = size + stored.scrape.pageSize
    let shape = stored.scrape.shape
    if shapes[ObjectIdentifier(shape)] == nil { headerBytes += shape.headerBytes }
    shapes[ObjectIdentifier(shape), default: 0] += 1
  }

  mutating func remove(_ key: VirtualScrapeCache.Key) {
    leftOut[key] = nil
    guard let removed = scrapes.removeValue(forKey: key)?.scrape else { return }
    size.samples -= removed.pageSize.samples
    size.bytes -= removed.pageSize.bytes
    let shape = removed.shape
    let others = (shapes[ObjectIdentifier(shape)] ?? 1) - 1
    shapes[ObjectIdentifier(shape)] = others > 0 ? others : nil
    if others == 0 { headerBytes -= shape.headerBytes }
  }

  mutating func retain(_ keys: Set<VirtualScrapeCache.Key>) {
    for key in scrapes.keys where !keys.contains(key) { remove(key) }
    for key in leftOut.keys where !keys.contains(key) { leftOut[key] = nil }
  }

  /// HELP and TYPE lines are counted once for each shape, which is at least once for each family.
  private func sizeWithHeaders(adding scrape: CachedScrape) -> PageSize {
    var headers = headerBytes
    if shapes[ObjectIdentifier(scrape.shape)] == nil { headers += scrape.shape.headerBytes }
    return size + scrape.pageSize + PageSize(samples: 0, bytes: headers)
  }

  private static func reason(_ size: PageSize, _ limit: String) -> String {
    "with its \(size.samples) samples and about \(size.bytes) bytes the response for the node would have more than \(limit)"
  }
}
