internal import Exposition
internal import Roll
internal import Synchronization

/// Ingests bodies from cAdvisor endpoints in one pass: validates a body, rewrites its labels, builds its compact form, and finds its
/// containers. Reused for many bodies, one at a time, to avoid allocations.
struct ScrapeIngest: Sendable {
  /// The result for a node's body.
  struct Parts {
    var findings: CadvisorFindings
    /// By pod, in the order of `PodLabels.pods`: the exceeded limit, or `nil`.
    var tooLarge: [String?]
  }

  private var parser: ExpositionParser
  private var visitor: IngestVisitor

  /// - Parameter isOfNode: whether each body contains many pods.
  init(settings: VirtualSettings, isOfNode: Bool = false) {
    parser = ExpositionParser(limits: isOfNode ? settings.nodeLimits : settings.limits, rejectsDuplicates: true)
    visitor = IngestVisitor(settings, isSplit: isOfNode)
  }

  /// Ingests the body of one pod. Stale samples count for the findings, but are neither stored nor passed on.
  /// - Parameter collect: receives the samples of all kept families, if the settings enable it.
  mutating func ingest(
    _ body: [UInt8], _ format: ExpositionFormat = .text, labels: PodLabels, _ freshness: Freshness, sharing shapes: ShapeRegistry,
    collect: (CollectedScrape) -> Void = { _ in }
  ) throws(ExpositionError) -> (scrape: CachedScrape, findings: CadvisorFindings) {
    begin(format, labels, freshness)
    try parse(body)
    try parser.finish(&visitor)
    if visitor.isCollected { collect(CollectedScrape(visitor.collected)) }
    return (CachedScrape(visitor.served, sharedBy: shapes), visitor.findings)
  }

  // MARK: A node's body, which is never in memory as a whole

  mutating func begin(_ format: ExpositionFormat, _ labels: PodLabels, _ freshness: Freshness) {
    parser.begin(format)
    visitor.begin(labels, freshness)
  }

  mutating func parse(_ chunk: [UInt8]) throws(ExpositionError) {
    try chunk.withUnsafeBufferPointer { bytes throws(ExpositionError) in try parser.parse(UnsafeRawBufferPointer(bytes), &visitor) }
  }

  /// Ends the body. Calls the closures with each pod's part, and with `nil` for the series of no known pod. Skips pods that exceed a limit.
  mutating func finish(
    sharing shapes: ShapeRegistry, collect: (_ pod: Int?, CollectedScrape) -> Void, store: (_ pod: Int?, CachedScrape) -> Void
  ) throws(ExpositionError) -> Parts {
    try parser.finish(&visitor)
    if visitor.isCollected { visitor.forEachPart(ofCollected: true) { collect($0, CollectedScrape($1)) } }
    visitor.forEachPart(ofCollected: false) { store($0, CachedScrape($1, sharedBy: shapes)) }
    return Parts(findings: visitor.findings, tooLarge: visitor.tooLarge)
  }
}

private struct IngestVisitor: ExpositionVisitor, Sendable {
  /// What a family's samples are used for. A `container_*` family without a use is still parsed for the findings.
  private struct Uses: OptionSet {
    let rawValue: UInt8
    static let served = Uses(rawValue: 1)
    static let collected = Uses(rawValue: 2)
  }

  private let families: FamilyFilter
  private let servedFamilies: FamilyFilter?
  let isCollected: Bool
  private let keepsTimestamps: Bool
  private var labels = PodLabels(node: "", entries: [], isOfOnePod: true)
  private var freshness = Freshness(limit: .zero)
  private(set) var served = ScrapeBuilder()
  private(set) var collected = ScrapeBuilder()
  private(set) var findings = CadvisorFindings(containers: 0)
  /// By label set.
  private var owners: [PodLabels.Owner] = []
  private let isSplit: Bool
  private let partLimits: ExpositionLimits
  private var splitter = ScrapeSplitter()
  /// By part. Part 0 has the series of no known pod.
  private var sizes: [PartSize] = []
  private var uses: Uses = []
  private var isContainerFamily = false
  private var isScrapeError = false

  init(_ settings: VirtualSettings, isSplit: Bool) {
    self.isSplit = isSplit
    partLimits = settings.limits
    families = settings.families
    servedFamilies = settings.servedFamilies
    isCollected = settings.feedsSink
    keepsTimestamps = settings.keepsTimestamps
  }

  mutating func begin(_ labels: PodLabels, _ freshness: Freshness) {
    self.labels = labels
    self.freshness = freshness
    served.begin()
    collected.begin()
    findings = CadvisorFindings(containers: labels.containers.count)
    owners.removeAll(keepingCapacity: true)
    guard isSplit else { return }
    splitter.begin()
    sizes.removeAll(keepingCapacity: true)
    sizes.append(contentsOf: repeatElement(PartSize(), count: labels.pods.count + 1))
  }

  var tooLarge: [String?] { sizes.dropFirst().map { $0.exceededLimit(of: partLimits) } }

  mutating func forEachPart(ofCollected: Bool, _ each: (_ pod: Int?, ScrapeBuilder) -> Void) {
    let (sizes, limits) = (sizes, partLimits)
    splitter.forEach(of: ofCollected ? collected : served, count: labels.pods.count) { part, scrape in
      if sizes[(part ?? -1) + 1].exceededLimit(of: limits) == nil { each(part, scrape) }
    }
  }

  private func uses(ofFamily name: UnsafeRawBufferPointer) -> Uses {
    guard families.keeps(name) else { return [] }
    var uses: Uses = isCollected ? .collected : []
    if servedFamilies?.keeps(name) == true { uses.insert(.served) }
    return uses
  }

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment {
    let uses = uses(ofFamily: name)
    return uses.isEmpty && !name.starts(with: "container_".utf8) ? .drop : .keep(uses.rawValue)
  }

  mutating func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {
    let uses = uses(ofFamily: name)
    if uses.contains(.served) { served.help(text, ofFamily: name) }
    if uses.contains(.collected) { collected.help(text, ofFamily: name) }
  }

  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {
    let uses = uses(ofFamily: name)
    if uses.contains(.served) { served.type(type, ofFamily: name) }
    if uses.contains(.collected) { collected.type(type, ofFamily: name) }
  }

  mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer) {
    uses = uses(ofFamily: family)
    isContainerFamily = name.starts(with: "container_".utf8)
    isScrapeError = name.elementsEqual("container_scrape_error".utf8)
    if uses.contains(.served) { served.enter(family: family, sample: name) }
    if uses.contains(.collected) { collected.enter(family: family, sample: name) }
  }

  mutating func rewrite(_ set: inout LabelBuilder, index: Int, treatment: UInt8) {
    while owners.count < index { owners.append(.unknown) }
    let owner = labels.rewrite(&set)
    owners.append(owner)
    if isSplit { splitter.assign(part: labels.pod(of: set, owner: owner), toSet: index) }
    let uses = Uses(rawValue: treatment)
    let isOfOtherInstance = if case .otherInstance = owner { true } else { false }
    if uses.contains(.served) { served.add(set, index: index, isOfOtherInstance: isOfOtherInstance) }
    if uses.contains(.collected) { collected.add(set, index: index) }
  }

  @inline(__always)
  mutating func sample(_ name: UnsafeRawBufferPointer, labels set: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    if isScrapeError {
      findings.hasScrapeError = findings.hasScrapeError || Double(String(decoding: value, as: UTF8.self)) != 0
    } else if isContainerFamily {
      findings.hasContainerSeries = true
      switch owners[set] {
      case .container(let index): findings.recordSample(of: index, at: timestamp)
      case .otherInstance(let index): findings.recordOtherInstance(of: index)
      case .unknown: break
      }
    }
    if let timestamp, !freshness.covers(timestamp) { return }
    if isSplit, !uses.isEmpty, !admits(set, number: value.count) { return }
    if uses.contains(.served) { served.sample(labels: set, value: value, timestamp: keepsTimestamps ? timestamp : nil) }
    if uses.contains(.collected) { collected.sample(labels: set, value: value, timestamp: timestamp) }
  }

  /// Adds a sample to the size of its part. Returns whether the part is within its limits.
  private mutating func admits(_ set: Int, number: Int) -> Bool {
    let part = Int(splitter.parts[set]) + 1
    sizes[part].series += 1
    sizes[part].bytes +=
      uses.contains(.served) ? served.lineLength(labels: set, number: number) : collected.lineLength(labels: set, number: number)
    return sizes[part].exceededLimit(of: partLimits) == nil
  }
}

/// The size of one pod's part of a node's body.
private struct PartSize: Sendable {
  var series = 0
  /// In the text format. Accurate to some bytes a line.
  var bytes = 0

  func exceededLimit(of limits: ExpositionLimits) -> String? {
    if series > limits.series { return "more than \(limits.series) series" }
    return bytes > limits.bytes ? "more than \(limits.bytes) bytes" : nil
  }
}

/// Reuses the memory of `ScrapeIngest` values: as many exist as ever ran concurrently.
final class IngestPool: Sendable {
  private let settings: VirtualSettings
  private let free = Mutex<[ScrapeIngest]>([])

  init(settings: VirtualSettings) {
    self.settings = settings
  }

  /// See `ScrapeIngest.ingest`.
  func ingest(
    _ body: [UInt8], _ format: ExpositionFormat, labels: PodLabels, _ freshness: Freshness, sharing shapes: ShapeRegistry,
    collect: (CollectedScrape) -> Void
  ) throws(ExpositionError) -> (scrape: CachedScrape, findings: CadvisorFindings) {
    var ingest = free.withLock { $0.popLast() } ?? ScrapeIngest(settings: settings)
    defer { put(back: ingest) }
    return try ingest.ingest(body, format, labels: labels, freshness, sharing: shapes, collect: collect)
  }

  private func put(back ingest: ScrapeIngest) {
    free.withLock { $0.append(ingest) }
  }
}
