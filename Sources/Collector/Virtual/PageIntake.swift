internal import Exposition
internal import Roll

/// Takes pages in: one pass in which a page is judged, rewritten, made compact, and asked about its containers. Its memory is used for
/// page after page; for one page at a time.
struct PageIntake: Sendable {
  private var reader: PageReader
  private var consumer: IntakeConsumer

  init(settings: VirtualSettings) {
    reader = PageReader(limits: settings.limits, refusesDuplicates: true)
    consumer = IntakeConsumer(settings)
  }

  /// - Parameter handOver: called with all samples of families that are kept, where the settings want them handed over.
  mutating func take(
    _ body: [UInt8], labels: PodLabels, sharing shapes: ShapeRegistry, handOver: (CollectedPage) -> Void = { _ in }
  ) throws(ExpositionError) -> (page: CompactPage, facts: PageFacts) {
    reader.begin()
    consumer.begin(labels)
    try body.withUnsafeBufferPointer { bytes throws(ExpositionError) in try reader.read(UnsafeRawBufferPointer(bytes), &consumer) }
    try reader.finish()
    if consumer.isHandedOver { handOver(CollectedPage(consumer.handed)) }
    return (CompactPage(consumer.draft, sharedBy: shapes), consumer.facts)
  }
}

private struct IntakeConsumer: PageConsumer, Sendable {
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
  /// What is served of the page, and what is handed over.
  private(set) var draft = PageDraft()
  private(set) var handed = PageDraft()
  private(set) var facts = PageFacts(containers: 0)
  /// By label set.
  private var owners: [PodLabels.Owner] = []
  private var uses: Uses = []
  private var isContainerFamily = false
  private var isScrapeError = false

  init(_ settings: VirtualSettings) {
    families = settings.families
    servedFamilies = settings.servedFamilies
    isHandedOver = settings.handsOver
    keepsTimestamps = settings.keepsTimestamps
  }

  mutating func begin(_ labels: PodLabels) {
    self.labels = labels
    draft.begin()
    handed.begin()
    facts = PageFacts(containers: labels.containers.count)
    owners.removeAll(keepingCapacity: true)
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

  mutating func rewrite(_ set: inout LabelEdit, index: Int, treatment: UInt8) {
    while owners.count < index { owners.append(.nobodyKnown) }
    owners.append(labels.rewrite(&set))
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
    if uses.contains(.served) { draft.sample(labels: set, value: value, timestamp: keepsTimestamps ? timestamp : nil) }
    if uses.contains(.handedOver) { handed.sample(labels: set, value: value, timestamp: timestamp) }
  }
}
