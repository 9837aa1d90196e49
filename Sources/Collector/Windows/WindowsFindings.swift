internal import Exposition
internal import Roll

/// What a page of windows_exporter says about containers.
///
/// A container is collected if a series of its own is there, and fresh where it has a time. `container_id` is the one label that every
/// version since 0.20 fills in; the labels `namespace`, `pod` and `container` of 0.31 can be empty. Where a container has no series, the
/// exporter's word on its container collector tells why; where it has one, that word is about other containers: the collector goes on
/// behind one that it cannot read.
struct WindowsFindings {
  /// The collector that we need, as windows_exporter names it.
  static let collector = "container"

  private(set) var health = ExporterHealth()
  private var containers: [String: Container] = [:]
  private var hasContainerSeries = false

  private struct Container {
    /// There are numbers, and not just the word that it is there.
    var hasNumbers = false
    /// What `windows_container_available` says.
    var isAvailable: Bool?
    /// What the label `hostprocess` of that says, since 0.31. Source: windows_exporter, internal/collector/container/container.go.
    var isHostProcess = false
    /// Milliseconds since 1970, of the newest sample that carries a time; windows_exporter itself writes none.
    var newest: Int64?

    mutating func note(value: Double, isAvailability: Bool, timestamp: Int64?) {
      if isAvailability { isAvailable = value != 0 } else { hasNumbers = true }
      if let timestamp { newest = max(newest ?? timestamp, timestamp) }
    }
  }

  init(_ body: [UInt8], limits: ExpositionLimits) throws(ExpositionError) {
    // The closure may not capture `self` before all of it is there.
    var page = WindowsFindings()
    try scanExposition(body, limits: limits, refusesDuplicates: true) { sample, text in
      page.read(sample, in: text)
    }
    self = page
  }

  private init() {}

  func outcome(for entry: RollEntry, _ freshness: Freshness) -> Answer {
    if !entry.containerID.isEmpty, let container = containers[entry.containerID] { return outcome(of: container, freshness) }
    let ownCollector = health.collectors[Self.collector]
    if ownCollector?.timedOut == true {
      return .missed(.collectorFailed, detail: "windows_exporter says that its collector \(Self.collector) ran into its time limit")
    }
    if ownCollector?.succeeded == false {
      return .missed(.collectorFailed, detail: "windows_exporter says that its collector \(Self.collector) failed; its log tells why")
    }
    guard hasContainerSeries else {
      return .missed(
        .notInResponse,
        detail: """
          the page has no windows_container series at all: the collector is probably not enabled, \
          start windows_exporter with --collectors.enabled=[defaults],container
          """)
    }
    guard !entry.containerID.isEmpty else {
      return .missed(.notInResponse, detail: "the API server gives no container ID to look for on the page")
    }
    return .missed(
      .notInResponse, detail: "the page has \(containers.count) containers, and none with container_id …://\(entry.containerID)")
  }

  private func outcome(of container: Container, _ freshness: Freshness) -> Answer {
    if container.isHostProcess, !container.hasNumbers { return .exempt(.hostProcess) }
    guard container.hasNumbers || container.isAvailable == true else {
      return .missed(.notInResponse, detail: "windows_exporter lists the container, says windows_container_available 0 and has no numbers")
    }
    return freshness.outcome(newest: container.newest)
  }

  private mutating func read(_ sample: borrowing ScannedSample, in text: Span<UInt8>) {
    if health.read(sample, in: text) { return }
    guard sample.nameHasPrefix("windows_container_", in: text) else { return }
    hasContainerSeries = true
    guard let label = sample.label("container_id", in: text), !label.isEmpty else { return }
    let isAvailability = sample.hasName("windows_container_available", in: text)
    let id = Self.bareID(label.text(in: text))
    containers[id, default: Container()].note(
      value: sample.value, isAvailability: isAvailability, timestamp: sample.timestampMilliseconds)
    if isAvailability, sample.label("hostprocess", in: text)?.text(in: text) == "true" { containers[id]?.isHostProcess = true }
  }

  /// `containerd://<id>` and `docker://<id>` without the runtime's name.
  private static func bareID(_ id: String) -> String {
    guard let separator = id.firstRange(of: "://") else { return id }
    return String(id[separator.upperBound...])
  }
}
