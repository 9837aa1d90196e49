internal import Primitives
internal import Roll

/// When the data of each node was last scraped, by the targets that scrapers report. Pure.
///
/// It speaks only of sources of which some scraper has a target: who scrapes the others is not known here.
struct NodeScrapes: Sendable {
  /// How many targets are looked for in a scrape pool before it counts as one of others.
  private static let samples = 16

  private var lastScrapes: [String: Moment] = [:]
  /// The sources of which a scraper has targets.
  private var sources: Set<Source> = []
  /// Whether every known scraper was reached, so that a missing target is missing.
  private var isWhole = false

  /// - Parameter targets: what should be scraped.
  mutating func update(_ seen: [ScrapeView.Seen], targets: [Target], at now: Moment) {
    isWhole = seen.allSatisfy { $0.reading.isComplete }
    let pools = seen.flatMap { $0.reading.tables.values }
    let known = Dictionary(targets.map { ($0.node, $0.source) }) { $1 }
    var found: [(node: String, source: Source, scraped: Moment?)] = []
    func note(_ node: String, _ source: Source, _ target: ObservedTarget, _ pool: ScraperReading.Pool) {
      found.append((node, source, target.health == .up ? target.age.map { pool.readAt - $0 } : nil))
    }
    for pool in pools {
      for (node, target) in pool.table.nodes {
        if let source = known[node] { note(node, source, target, pool) }
      }
    }
    // Agents and exporters, by address. Most pools have none of them, which a few show. Virtual nodes share one address.
    let addressed = targets.filter { $0.source != .virtual }.compactMap { target in IPAddress(target.address).map { (target, address: $0) }
    }
    for pool in pools {
      func look(_ entry: (target: Target, address: IPAddress)) -> ObservedTarget? {
        pool.table.targets(at: entry.address, port: UInt16(exactly: entry.target.port)).first
      }
      let sample = stride(from: 0, to: addressed.count, by: max(addressed.count / Self.samples, 1))
      guard sample.contains(where: { look((addressed[$0].0, addressed[$0].address)) != nil }) else { continue }
      for (target, address) in addressed {
        if let observed = look((target, address)) { note(target.node, target.source, observed, pool) }
      }
    }
    sources = Set(found.map(\.source))
    lastScrapes = lastScrapes.filter { known[$0.key] != nil }
    for case (let node, _, let scraped?) in found { lastScrapes[node] = max(lastScrapes[node] ?? scraped, scraped) }
  }

  /// `nil` if nothing is known.
  func lastScrape(of roll: NodeRoll, at now: Moment) -> LastScrape? {
    guard sources.contains(roll.source) else { return nil }
    guard let moment = lastScrapes[roll.node] else { return isWhole ? .never : nil }
    return .ago(now - moment)
  }
}
