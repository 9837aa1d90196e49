internal import Exposition
internal import Roll

/// What the cAdvisor page of one pod says about its containers.
///
/// A container is collected if a `container_*` series carries its name in `container` (old kubelets: `container_name`), and the pod's own
/// name and namespace wherever the series names any. Series that carry a time have to be fresh by the clock of the server that sent them:
/// ours need not agree with it.
struct PodPage {
  private var containers: [Container]
  private var hasContainerSeries = false
  private var hasScrapeError = false

  private struct Container {
    var reference: ContainerReference
    var isThere = false
    /// Milliseconds since 1970, of the newest sample that carries a time. cAdvisor gives none to limits and start times, so samples
    /// without a time say nothing about freshness.
    var newest: Int64?
  }

  init(_ body: [UInt8], for references: [ContainerReference], limits: ExpositionLimits) throws(ExpositionError) {
    var page = PodPage(references)
    try scanExposition(body, limits: limits, refusesDuplicates: true) { sample, text in
      page.read(sample, in: text)
    }
    self = page
  }

  private init(_ references: [ContainerReference]) {
    containers = references.map { Container(reference: $0) }
  }

  /// - Parameters:
  ///   - sent: when the page was sent by the sender's own clock, in milliseconds since 1970; without it ages are not judged.
  ///   - stalenessLimit: how old the newest sample of a container may be, and how far ahead of its sender's clock.
  func outcomes(sent: Int64?, stalenessLimit: Duration) -> [Outcome] {
    containers.map { outcome(of: $0, sent: sent, stalenessLimit: stalenessLimit) }
  }

  private func outcome(of container: Container, sent: Int64?, stalenessLimit: Duration) -> Outcome {
    guard container.isThere else {
      if hasScrapeError {
        return .missed(.notInResponse, detail: "the page says container_scrape_error 1 and has no series of the container")
      }
      return .missed(
        .notInResponse,
        detail: hasContainerSeries
          ? "the page has container series, and none of container \(container.reference.container)"
          : "the page has no container series at all")
    }
    if hasScrapeError {
      return .missed(.staleData, detail: "the page says container_scrape_error 1: its numbers are of an earlier time")
    }
    guard let sent, let newest = container.newest else { return .collected(age: .zero) }
    let age = Duration.milliseconds(sent - newest)
    if age > stalenessLimit {
      return .missed(
        .staleData,
        detail: "the newest sample was \(age.wholeSeconds) s old when it was sent; more than \(stalenessLimit.wholeSeconds) s is stale")
    }
    if age < .zero - stalenessLimit {
      return .missed(.badExposition, detail: "the newest sample is dated \((.zero - age).wholeSeconds) s ahead of its sender's own clock")
    }
    return .collected(age: max(age, .zero))
  }

  private mutating func read(_ sample: borrowing ScannedSample, in text: Span<UInt8>) {
    guard sample.nameHasPrefix("container_", in: text) else { return }
    if sample.hasName("container_scrape_error", in: text) {
      hasScrapeError = hasScrapeError || sample.value != 0
      return
    }
    hasContainerSeries = true
    guard let name = Self.label("container", or: "container_name", of: sample, in: text) else { return }
    for index in containers.indices {
      let reference = containers[index].reference
      guard name.hasValue(reference.container, in: text),
        Self.agrees(Self.label("pod", or: "pod_name", of: sample, in: text), with: reference.pod, in: text),
        Self.agrees(Self.label("namespace", or: "namespace", of: sample, in: text), with: reference.namespace, in: text)
      else { continue }
      containers[index].isThere = true
      if let timestamp = sample.timestampMilliseconds {
        containers[index].newest = max(containers[index].newest ?? timestamp, timestamp)
      }
    }
  }

  private static func label(
    _ name: StaticString, or oldName: StaticString, of sample: borrowing ScannedSample, in text: Span<UInt8>
  ) -> ScannedLabel? {
    if let label = sample.label(name, in: text), !label.isEmpty { return label }
    return sample.label(oldName, in: text).flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func agrees(_ label: ScannedLabel?, with value: String, in text: Span<UInt8>) -> Bool {
    label.map { $0.hasValue(value, in: text) } ?? true
  }
}

extension Duration {
  fileprivate var wholeSeconds: Int64 { components.seconds }
}
