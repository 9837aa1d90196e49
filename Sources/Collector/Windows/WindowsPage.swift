internal import Exposition
internal import Roll

/// What a page of windows_exporter says about containers.
///
/// A container is collected if a series of its own is there. `container_id` is the one label that every version since 0.20 fills in; the
/// labels `namespace`, `pod` and `container` of 0.31 can be empty. Where a container has no series, the exporter's word on its container
/// collector tells why; where it has one, that word is about other containers: the collector goes on behind one that it cannot read.
struct WindowsPage {
  /// The collector that we need, as windows_exporter names it.
  static let collector: StaticString = "container"

  private var containerIDs: Set<String> = []
  private var hasContainerSeries = false
  private var collectorFailed = false
  private var collectorTimedOut = false

  init(_ body: [UInt8], limits: ExpositionLimits) throws(ExpositionError) {
    // The closure may not capture `self` before all of it is there.
    var page = WindowsPage()
    try scanExposition(body, limits: limits, refusesDuplicates: true) { sample, text in
      page.read(sample, in: text)
    }
    self = page
  }

  private init() {}

  func outcome(for entry: RollEntry) -> Outcome {
    if !entry.containerID.isEmpty, containerIDs.contains(entry.containerID) {
      return .collected(age: .zero)
    }
    if collectorTimedOut {
      return .missed(.collectorFailed, detail: "windows_exporter says that its collector \(Self.collector) ran into its time limit")
    }
    if collectorFailed {
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
      .notInResponse, detail: "the page has \(containerIDs.count) containers, and none with container_id …://\(entry.containerID)")
  }

  private mutating func read(_ sample: borrowing ScannedSample, in text: Span<UInt8>) {
    if sample.nameHasPrefix("windows_container_", in: text) {
      hasContainerSeries = true
      if let label = sample.label("container_id", in: text), !label.isEmpty {
        containerIDs.insert(Self.bareID(label.text(in: text)))
      }
    } else if sample.nameHasPrefix("windows_exporter_collector_", in: text),
      sample.label("collector", in: text)?.hasValue(Self.collector, in: text) == true
    {
      if sample.hasName("windows_exporter_collector_success", in: text) {
        collectorFailed = sample.value == 0
      } else if sample.hasName("windows_exporter_collector_timeout", in: text) {
        collectorTimedOut = sample.value == 1
      }
    }
  }

  /// `containerd://<id>` and `docker://<id>` without the runtime's name.
  private static func bareID(_ id: String) -> String {
    guard let separator = id.firstRange(of: "://") else { return id }
    return String(id[separator.upperBound...])
  }
}
