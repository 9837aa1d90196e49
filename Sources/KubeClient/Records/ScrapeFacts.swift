package import Primitives

/// What of a Pod decides which scrapers discover it, and which targets they make of it.
public struct ScrapeFacts: Hashable, Sendable {
  /// A container, in the order of Prometheus's discovery: regular containers, then init containers.
  public struct Container: Hashable, Sendable {
    public var name: String
    /// Whether it is in the list of init containers, sidecars included.
    public var isInit: Bool
    /// The declared ports.
    public var ports: [ContainerPort]

    public init(name: String, isInit: Bool = false, ports: [ContainerPort]) {
      self.name = name
      self.isInit = isInit
      self.ports = ports
    }
  }

  /// All labels.
  public var labels: [String: String]
  /// The annotations that start with `annotationPrefix`.
  public var annotations: [String: String]
  /// Without ephemeral containers, which have no ports.
  public var containers: [Container]

  /// The prefix of the annotations that many scrape configurations follow.
  public static let annotationPrefix = "prometheus.io/"

  init(labels: [String: String] = [:], annotations: [String: String] = [:], containers: [Container] = []) {
    self.labels = labels
    self.annotations = annotations
    self.containers = containers
  }
}

/// A port that a container declares.
public struct ContainerPort: Hashable, Sendable {
  /// Empty for an unnamed port.
  public var name: String
  public var number: UInt16

  public init(name: String = "", number: UInt16) {
    self.name = name
    self.number = number
  }
}

extension PodRecord {
  /// Empty unless the decoder keeps it. Decoded at each access.
  public var scrapeFacts: ScrapeFacts {
    var facts = common.map(ScrapeFacts.init(common:)) ?? ScrapeFacts()
    facts.labels.merge(ownLabels) { $1 }
    return facts
  }

  /// What the Pods of a workload have in common: `ScrapeFacts.init(common:)` decodes its part. `nil` if there is nothing.
  package var common: Name? { storage.header.common }

  /// The labels that differ between the Pods of a workload.
  package var ownLabels: [String: String] {
    guard storage.header.flags.contains(.hasOwnLabels) else { return [:] }
    return readContainers { reader, count in
      for _ in 0..<count { _ = reader.skipContainer() }
      return reader.pairs()
    }
  }

  /// Whether a Pod may have this label as one of its own.
  package static func isOwnLabel(_ key: String) -> Bool { ownLabelKeys.contains(key) }
}

/// Labels of Pods of StatefulSets and of indexed Jobs. Shared, each would make the common text another one for every Pod.
/// Source: https://kubernetes.io/docs/reference/labels-annotations-taints/
private let ownLabelKeys = [
  "statefulset.kubernetes.io/pod-name", "apps.kubernetes.io/pod-index", "batch.kubernetes.io/job-completion-index",
]

extension TextPair {
  func isScrapeAnnotation(in bytes: RawSpan) -> Bool {
    bytes.extracting(key).withUnsafeBytes { $0.starts(with: ScrapeFacts.annotationPrefix.utf8) }
  }

  func isOwnLabel(in bytes: RawSpan) -> Bool { ownLabelKeys.contains { bytes.isEqual(key, $0) } }
}

/// A declared port before packing.
struct ContainerPortBuilder {
  var name: Range<Int>
  var number: UInt16

  init(name: Range<Int>, number: UInt16) {
    self.name = name
    self.number = number
  }

  /// `ContainerPort`: name 1, containerPort 3.
  init(_ field: ProtobufField, in bytes: RawSpan) throws(RecordError) {
    self.init(name: 0..<0, number: 0)
    var fields = try field.fields()
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: name = try field.range()
      case 3: number = UInt16(exactly: try field.integer()) ?? 0
      default: break
      }
    }
  }
}

// In this order: labels; annotations; the containers, each with a byte for its kind, its name, and the names and numbers of its ports.

extension PackedWriter {
  mutating func append(scrapeFactsOf pod: PodRecordBuilder, in buffer: RawSpan) {
    append(pairs: pod.labels.filter { !$0.isOwnLabel(in: buffer) }, of: buffer)
    append(pairs: pod.annotations.filter { $0.isScrapeAnnotation(in: buffer) }, of: buffer)
    let containers = pod.containers.filter { $0.kind != .ephemeral }
    append(count: containers.count)
    for container in containers {
      append(byte: container.kind.rawValue)
      append(text: container.name, of: buffer)
      append(count: container.ports.count)
      for port in container.ports {
        append(text: port.name, of: buffer)
        append(count: Int(port.number))
      }
    }
  }
}

extension ScrapeFacts {
  /// - Parameter common: of a `PodRecord`. The labels are those that its Pods share.
  package init(common: Name) {
    self = common.withBytes { bytes in
      var reader = PackedReader(bytes)
      reader.skipToScrapeFacts()
      guard !reader.isAtEnd else { return ScrapeFacts() }
      let (labels, annotations) = (reader.pairs(), reader.pairs())
      let containers = (0..<reader.count()).map { _ in
        let kind = ContainerRecord.Kind(rawValue: reader.byte())
        let name = reader.text()
        let ports = (0..<reader.count()).map { _ in ContainerPort(name: reader.text(), number: UInt16(reader.count())) }
        return Container(name: name, isInit: kind != .regular, ports: ports)
      }
      return ScrapeFacts(
        labels: labels, annotations: annotations, containers: containers.filter { !$0.isInit } + containers.filter(\.isInit))
    }
  }

  /// The shared labels of a `PodRecord`, without decoding them.
  package static func labels(common: Name) -> PackedLabels {
    common.withBytes { bytes in
      var reader = PackedReader(bytes)
      reader.skipToScrapeFacts()
      return reader.isAtEnd ? PackedLabels() : PackedLabels(common, at: reader.offset)
    }
  }
}

extension PackedReader {
  /// Skips workload, runtime class and images at the start of a common text.
  fileprivate mutating func skipToScrapeFacts() {
    for _ in 0..<3 { _ = textBytes() }
    skipPairs()
  }
}
