internal import Exposition
internal import Roll

/// What a response of windows_exporter says about containers.
///
/// A container is collected if it has a series of its own. If its series have timestamps, the newest one must be fresh.
///
/// `container_id` is the only label that all versions since 0.20 fill in; the labels `namespace`, `pod` and `container` of 0.31 can be
/// empty. If a container has no series, the exporter's status of its container collector gives the reason. That status does not affect
/// other containers: the collector continues after a container that it cannot read.
struct WindowsFindings {
  /// The collector we need, as windows_exporter names it.
  static let collector = "container"

  private(set) var health = ExporterHealth()
  private var containers: [String: Container] = [:]
  private var hasContainerSeries = false

  private struct Container {
    /// Has a series other than `windows_container_available`.
    var hasNumbers = false
    /// The value of `windows_container_available`.
    var isAvailable: Bool?
    /// The label `hostprocess` of `windows_container_available`, since 0.31.
    /// Source: windows_exporter, internal/collector/container/container.go.
    var isHostProcess = false
    /// The newest timestamp, in milliseconds since 1970. windows_exporter itself writes none.
    var newest: Int64?
  }

  init(_ body: [UInt8], _ format: ExpositionFormat = .text, limits: ExpositionLimits) throws(ExpositionError) {
    var parser = ExpositionParser(limits: limits, rejectsDuplicates: true)
    var visitor = Visitor()
    try parser.parse(whole: body, format, &visitor)
    self = visitor.findings
  }

  private init() {}

  func answer(for entry: RollEntry, _ freshness: Freshness) -> Answer {
    if !entry.containerID.isEmpty, let container = containers[entry.containerID] { return answer(of: container, freshness) }
    let ownCollector = health.collectors[Self.collector]
    if ownCollector?.timedOut == true {
      return .missed(.collectorFailed, detail: "windows_exporter reports that its collector \(Self.collector) timed out")
    }
    if ownCollector?.succeeded == false {
      return .missed(
        .collectorFailed, detail: "windows_exporter reports that its collector \(Self.collector) failed: see the exporter's log")
    }
    guard hasContainerSeries else {
      return .missed(
        .notInResponse,
        detail: """
          the response has no windows_container series: the collector is probably not enabled, \
          start windows_exporter with --collectors.enabled=[defaults],container
          """)
    }
    guard !entry.containerID.isEmpty else {
      return .missed(.notInResponse, detail: "the API server has no container ID for this container yet")
    }
    return .missed(
      .notInResponse, detail: "none of the \(containers.count) containers in the response has container_id …://\(entry.containerID)")
  }

  private func answer(of container: Container, _ freshness: Freshness) -> Answer {
    if container.isHostProcess, !container.hasNumbers { return .exempt(.hostProcess) }
    guard container.hasNumbers || container.isAvailable == true else {
      return .missed(.notInResponse, detail: "windows_exporter reports windows_container_available 0 and no other series of the container")
    }
    return freshness.answer(newest: container.newest)
  }

  /// Builds the findings from the samples of a body. Keeps all families, so that duplicates of any series are an error.
  private struct Visitor: ExpositionVisitor {
    /// The families that are evaluated, by the name of their samples.
    private enum Family {
      case containerAvailable, container, buildInfo, collectorSuccess, collectorTimeout, other
    }

    /// The labels that are evaluated, unescaped. `nil` if absent.
    private struct Labels {
      /// Without the runtime's name. `nil` also if empty.
      var containerID: String?
      var isHostProcess: Bool
      var collector: String?
      var version: String?
    }

    var findings = WindowsFindings()
    private var family = Family.other
    private var labelSets: [Labels] = []

    func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .keep(0) }

    mutating func enter(family: UnsafeRawBufferPointer, sample name: UnsafeRawBufferPointer) {
      self.family =
        if name.starts(with: "windows_container_".utf8) {
          name.elementsEqual("windows_container_available".utf8) ? .containerAvailable : .container
        } else if name.elementsEqual("windows_exporter_build_info".utf8) {
          .buildInfo
        } else if name.elementsEqual("windows_exporter_collector_success".utf8) {
          .collectorSuccess
        } else if name.elementsEqual("windows_exporter_collector_timeout".utf8) {
          .collectorTimeout
        } else {
          .other
        }
    }

    mutating func rewrite(_ labels: inout LabelBuilder, index: Int, treatment: UInt8) {
      labelSets.append(
        Labels(
          containerID: labels.text("container_id").flatMap { $0.isEmpty ? nil : WindowsFindings.bareID($0) },
          isHostProcess: labels.text("hostprocess") == "true", collector: labels.text("collector"), version: labels.text("version")))
    }

    func help(_ text: UnsafeRawBufferPointer, ofFamily name: UnsafeRawBufferPointer) {}

    func type(_ type: MetricType, ofFamily name: UnsafeRawBufferPointer) {}

    mutating func sample(_ name: UnsafeRawBufferPointer, labels: Int, value: UnsafeRawBufferPointer, timestamp: Int64?) {
      let labels = labelSets[labels]
      var isNonzero: Bool { parseNumber(value.bindMemory(to: UInt8.self).span) != 0 }
      switch family {
      case .containerAvailable, .container:
        findings.hasContainerSeries = true
        guard let id = labels.containerID else { return }
        var container = findings.containers[id] ?? Container()
        if family == .containerAvailable {
          container.isAvailable = isNonzero
          container.isHostProcess = container.isHostProcess || labels.isHostProcess
        } else {
          container.hasNumbers = true
        }
        if let timestamp { container.newest = max(container.newest ?? timestamp, timestamp) }
        findings.containers[id] = container
      case .buildInfo: findings.health.version = labels.version
      case .collectorSuccess:
        if let collector = labels.collector { findings.health.collectors[collector, default: .init()].succeeded = isNonzero }
      case .collectorTimeout:
        if let collector = labels.collector { findings.health.collectors[collector, default: .init()].timedOut = isNonzero }
      case .other: break
      }
    }
  }

  /// Removes the runtime's name: `<id>` from `containerd://<id>` or `docker://<id>`.
  private static func bareID(_ id: String) -> String {
    guard let separator = id.firstRange(of: "://") else { return id }
    return String(id[separator.upperBound...])
  }
}
