internal import Exposition
internal import Roll

/// Takes pages in: one pass in which a page is judged, rewritten, made compact, and asked about its containers. Its memory is used for
/// page after page; for one page at a time.
struct PageIntake: Sendable {
  private var reader: PageReader
  private var consumer: IntakeConsumer

  init(settings: VirtualSettings) {
    reader = PageReader(limits: settings.limits, refusesDuplicates: true)
    consumer = IntakeConsumer(families: settings.families, keepsTimestamps: settings.keepsTimestamps)
  }

  mutating func take(
    _ body: [UInt8], labels: PodLabels, sharing shapes: ShapeRegistry
  ) throws(ExpositionError) -> (page: CompactPage, facts: PageFacts) {
    reader.begin()
    consumer.begin(labels)
    try body.withUnsafeBufferPointer { bytes throws(ExpositionError) in try reader.read(UnsafeRawBufferPointer(bytes), &consumer) }
    try reader.finish()
    return (CompactPage(consumer.draft, sharedBy: shapes), consumer.facts)
  }
}

private struct IntakeConsumer: PageConsumer, Sendable {
  /// Families that are not kept are still read where they tell about containers.
  private enum Treatment {
    static let kept: UInt8 = 0
    static let onlyRead: UInt8 = 1
  }

  private let families: FamilyFilter
  private let keepsTimestamps: Bool
  private var labels = PodLabels(node: "", entries: [], isOfOnePod: true)
  private(set) var draft = PageDraft()
  private(set) var facts = PageFacts(containers: 0)
  /// By label set.
  private var owners: [PodLabels.Owner] = []
  private var isKept = false
  private var isContainerFamily = false
  private var isScrapeError = false

  init(families: FamilyFilter, keepsTimestamps: Bool) {
    self.families = families
    self.keepsTimestamps = keepsTimestamps
  }

  mutating func begin(_ labels: PodLabels) {
    self.labels = labels
    draft.begin()
    facts = PageFacts(containers: labels.containers.count)
    owners.removeAll(keepingCapacity: true)
  }

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment {
    if families.keeps(name) { return .keep(Treatment.kept) }
    return name.starts(with: "container_".utf8) ? .keep(Treatment.onlyRead) : .drop
  }

  mutating func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {
    if families.keeps(name) { draft.help(text, ofFamily: name) }
  }

  mutating func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {
    if families.keeps(name) { draft.type(type, ofFamily: name) }
  }

  mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer) {
    isKept = families.keeps(family)
    isContainerFamily = name.starts(with: "container_".utf8)
    isScrapeError = name.elementsEqual("container_scrape_error".utf8)
    if isKept { draft.enter(family: family, sample: name) }
  }

  mutating func rewrite(_ set: inout LabelEdit, index: Int, treatment: UInt8) {
    while owners.count < index { owners.append(.nobodyKnown) }
    owners.append(labels.rewrite(&set))
    if treatment == Treatment.kept { draft.add(set, index: index) }
  }

  @inline(__always)
  mutating func sample(_ name: UnsafeRawBufferPointer, labels set: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
    if isScrapeError {
      facts.hasScrapeError = facts.hasScrapeError || Double(String(decoding: value, as: UTF8.self)) != 0
    } else if isContainerFamily {
      facts.hasContainerSeries = true
      if case .container(let place) = owners[set] { facts.saw(place, at: timestamp) }
    }
    if isKept { draft.sample(labels: set, value: value, timestamp: keepsTimestamps ? timestamp : nil) }
  }
}
