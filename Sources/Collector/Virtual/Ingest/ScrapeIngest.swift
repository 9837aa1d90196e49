internal import Exposition
internal import Roll
internal import Synchronization

/// Takes pages in: one pass in which a page is judged, rewritten, made compact, and asked about its containers. Its memory is used for
/// page after page; for one page at a time.
struct ScrapeIngest: Sendable {
  /// What became of the pods on a page of many.
  struct Parts {
    var facts: CadvisorFindings
    /// By pod, in the order of the labels' pods: how it passed the limits of one pod's page.
    var tooLarge: [String?]
  }

  private var reader: ExpositionParser
  private var consumer: IngestVisitor

  /// - Parameter isOfNode: whether the pages are those of nodes, with many pods on each.
  init(settings: VirtualSettings, isOfNode: Bool = false) {
    reader = ExpositionParser(limits: isOfNode ? settings.nodeLimits : settings.limits, refusesDuplicates: true)
    consumer = IngestVisitor(settings, isSplit: isOfNode)
  }

  /// Takes a pod's page. Samples that are not of now are judged, and neither kept nor handed over.
  /// - Parameter handOver: called with all samples of families that are kept, where the settings want them handed over.
  mutating func take(
    _ body: [UInt8], labels: PodLabels, _ freshness: Freshness, sharing shapes: ShapeRegistry,
    handOver: (CollectedScrape) -> Void = { _ in }
  ) throws(ExpositionError) -> (page: CachedScrape, facts: CadvisorFindings) {
    begin(labels, freshness)
    try read(body)
    try reader.finish()
    if consumer.isHandedOver { handOver(CollectedScrape(consumer.handed)) }
    return (CachedScrape(consumer.draft, sharedBy: shapes), consumer.facts)
  }

  // MARK: A page of many pods, which is never there as a whole

  mutating func begin(_ labels: PodLabels, _ freshness: Freshness) {
    reader.begin()
    consumer.begin(labels, freshness)
  }

  mutating func read(_ chunk: [UInt8]) throws(ExpositionError) {
    try chunk.withUnsafeBufferPointer { bytes throws(ExpositionError) in try reader.read(UnsafeRawBufferPointer(bytes), &consumer) }
  }

  /// The page has ended: calls with each pod's part, and with `nil` for what is no pod's. Pods that are too large are left out.
  mutating func finish(
    sharing shapes: ShapeRegistry, handOver: (_ pod: Int?, CollectedScrape) -> Void, store: (_ pod: Int?, CachedScrape) -> Void
  ) throws(ExpositionError) -> Parts {
    try reader.finish()
    if consumer.isHandedOver { consumer.forEachPart(ofHanded: true) { handOver($0, CollectedScrape($1)) } }
    consumer.forEachPart(ofHanded: false) { store($0, CachedScrape($1, sharedBy: shapes)) }
    return Parts(facts: consumer.facts, tooLarge: consumer.tooLarge)
  }
}

private struct IngestVisitor: ExpositionVisitor, Sendable {
  /// What a family is read for; one that is not kept is still read where it tells about containers.
  private struct Uses: OptionSet {
    let rawValue: UInt8
    static let served = Uses(rawValue: 1)
    static let handedOver = Uses(rawValue: 2)
  }

  private let families: FamilyFilter
  private let servedFamilies: FamilyFilter?
  let isHandedOver: Bool
  private let keepsTimestamps: Bool
  private var labels = PodLabels(node: "", entries: [], isOfOnePod: true)
  private var freshness = Freshness(limit: .zero)
  /// What is served of the page, and what is handed over.
  private(set) var draft = ScrapeBuilder()
  private(set) var handed = ScrapeBuilder()
  private(set) var facts = CadvisorFindings(containers: 0)
  /// By label set.
  private var owners: [PodLabels.Owner] = []
  private let isSplit: Bool
  private let partLimits: ExpositionLimits
  private var split = ScrapeSplitter()
  /// By part, what is no pod's first.
  private var sizes: [PartSize] = []
  private var uses: Uses = []
  private var isContainerFamily = false
  private var isScrapeError = false

  init(_ settings: VirtualSettings, isSplit: Bool) {
    self.isSplit = isSplit
    partLimits = settings.limits
    families = settings.families
    servedFamilies = settings.servedFamilies
    isHandedOver = settings.handsOver
    keepsTimestamps = settings.keepsTimestamps
  }

  mutating func begin(_ labels: PodLabels, _ freshness: Freshness) {
    self.labels = labels
    self.freshness = freshness
    draft.begin()
    handed.begin()
    facts = CadvisorFindings(containers: labels.containers.count)
    owners.removeAll(keepingCapacity: true)
    guard isSplit else { return }
    split.begin()
    sizes.removeAll(keepingCapacity: true)
    sizes.append(contentsOf: repeatElement(PartSize(), count: labels.pods.count + 1))
  }

  var tooLarge: [String?] { sizes.dropFirst().map { $0.problem(partLimits) } }

  mutating func forEachPart(ofHanded isOfHanded: Bool, _ each: (_ pod: Int?, ScrapeBuilder) -> Void) {
    let (sizes, limits) = (sizes, partLimits)
    split.forEach(of: isOfHanded ? handed : draft, count: labels.pods.count) { part, page in
      if sizes[(part ?? -1) + 1].problem(limits) == nil { each(part, page) }
    }
  }

  private func uses(ofFamily name: UnsafeRawBufferPointer) -> Uses {
    guard families.keeps(name) else { return [] }
    var uses: Uses = isHandedOver ? .handedOver : []
    if servedFamilies?.keeps(name) == true { uses.insert(.served) }
    return uses
  }

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment {
    let uses = uses(ofFamily: name)
    return uses.isEmpty && !name.starts(with: "container_".utf8) ? .drop : .keep(uses.rawValue)
  }

  mutating func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {
    if uses(ofFamily: name).contains(.served) { draft.help(text, ofFamily: name) }
  }

  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {
    if uses(ofFamily: name).contains(.served) { draft.type(type, ofFamily: name) }
  }

  mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer) {
    uses = uses(ofFamily: family)
    isContainerFamily = name.starts(with: "container_".utf8)
    isScrapeError = name.elementsEqual("container_scrape_error".utf8)
    if uses.contains(.served) { draft.enter(family: family, sample: name) }
    if uses.contains(.handedOver) { handed.enter(family: family, sample: name) }
  }

  mutating func rewrite(_ set: inout LabelBuilder, index: Int, treatment: UInt8) {
    while owners.count < index { owners.append(.nobodyKnown) }
    let owner = labels.rewrite(&set)
    owners.append(owner)
    if isSplit { split.add(part: labels.pod(of: set, owner: owner), ofSet: index) }
    let uses = Uses(rawValue: treatment)
    if uses.contains(.served) { draft.add(set, index: index) }
    if uses.contains(.handedOver) { handed.add(set, index: index) }
  }

  @inline(__always)
  mutating func sample(_ name: UnsafeRawBufferPointer, labels set: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    if isScrapeError {
      facts.hasScrapeError = facts.hasScrapeError || Double(String(decoding: value, as: UTF8.self)) != 0
    } else if isContainerFamily {
      facts.hasContainerSeries = true
      if case .container(let place) = owners[set] { facts.saw(place, at: timestamp) }
    }
    if let timestamp, !freshness.covers(timestamp) { return }
    if isSplit, !uses.isEmpty, !admits(set, number: value.count) { return }
    if uses.contains(.served) { draft.sample(labels: set, value: value, timestamp: keepsTimestamps ? timestamp : nil) }
    if uses.contains(.handedOver) { handed.sample(labels: set, value: value, timestamp: timestamp) }
  }

  /// Counts a sample for its part, and says whether that is still within its limits.
  private mutating func admits(_ set: Int, number: Int) -> Bool {
    let part = Int(split.parts[set]) + 1
    sizes[part].series += 1
    sizes[part].bytes +=
      uses.contains(.served) ? draft.lineLength(labels: set, number: number) : handed.lineLength(labels: set, number: number)
    return sizes[part].problem(partLimits) == nil
  }
}

/// How large one pod's part of a page is.
private struct PartSize: Sendable {
  var series = 0
  /// As it would be served, within some bytes a line.
  var bytes = 0

  func problem(_ limits: ExpositionLimits) -> String? {
    if series > limits.series { return "more than \(limits.series) series" }
    return bytes > limits.bytes ? "more than \(limits.bytes) bytes" : nil
  }
}

/// The memory in which pages are taken in: as many as pages are taken in at once, used again and again.
final class IngestPool: Sendable {
  private let settings: VirtualSettings
  private let free = Mutex<[ScrapeIngest]>([])

  init(settings: VirtualSettings) {
    self.settings = settings
  }

  func take(
    _ body: [UInt8], labels: PodLabels, _ freshness: Freshness, sharing shapes: ShapeRegistry, handOver: (CollectedScrape) -> Void
  ) throws(ExpositionError) -> (page: CachedScrape, facts: CadvisorFindings) {
    var intake = free.withLock { $0.popLast() } ?? ScrapeIngest(settings: settings)
    defer { give(back: intake) }
    return try intake.take(body, labels: labels, freshness, sharing: shapes, handOver: handOver)
  }

  private func give(back intake: ScrapeIngest) {
    free.withLock { $0.append(intake) }
  }
}
