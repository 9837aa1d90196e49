package import KubeClient
internal import Primitives

/// The monitor that comes closest to selecting a Pod, and the one thing that keeps it from that.
package struct NearestMonitor: Hashable, Sendable {
  package enum Difference: Hashable, Sendable {
    /// A label of the Pod, for a monitor of Pods.
    case podLabel(UnmetRequirement)
    /// A label of a Service that selects the Pod, for a monitor of Services.
    case serviceLabel(service: String, UnmetRequirement)
    /// The monitor selects this Service, whose own selector demands another label of the Pod.
    case serviceSelector(service: String, UnmetRequirement)
    /// The monitor does not look in the Pod's namespace.
    case namespace
  }

  package var monitor: MonitorID
  package var difference: Difference

  package init(monitor: MonitorID, difference: Difference) {
    self.monitor = monitor
    self.difference = difference
  }
}

extension ScrapeExpectations {
  /// Compares a Pod with every monitor, for a person who asks why no monitor selects it.
  /// - Returns: `nil` if every monitor differs in more than one thing.
  package mutating func nearestMonitor(to pod: PodRecord) -> NearestMonitor? {
    guard let group = groups[groupSlot(of: pod)] else { return nil }
    let labels = PackedLabels(group.labels.dictionary.merging(pod.ownLabels) { $1 })
    let services = services(of: pod, in: group)
    var found: [(rank: Rank, nearest: NearestMonitor)] = []
    for monitor in monitors.values where monitor.record.selector.isValid && !monitor.record.endpoints.isEmpty {
      let record = monitor.record
      let looks = record.namespaces.contains(group.namespace, own: record.id.namespace)
      func add(_ difference: NearestMonitor.Difference, met: Int, _ unmet: UnmetRequirement? = nil) {
        let rank = Rank(
          met: met, alike: unmet.map { $0.likeness } ?? 0, isElsewhere: record.id.namespace != group.namespace, isNamespace: !looks,
          monitor: record.id)
        found.append((rank, NearestMonitor(monitor: record.id, difference: difference)))
      }
      func compare(_ labels: PackedLabels, _ difference: (UnmetRequirement) -> NearestMonitor.Difference) {
        let unmet = record.selector.unmet(by: labels, as: record.mechanism)
        if looks, unmet.count == 1 {
          add(difference(unmet[0]), met: record.selector.count - 1, unmet[0])
        } else if !looks, unmet.isEmpty {
          add(.namespace, met: record.selector.count)
        }
      }
      switch record.id.kind {
      case .podMonitor, .vmPodScrape: compare(labels) { .podLabel($0) }
      case .serviceMonitor, .vmServiceScrape:
        for service in services {
          if let known = service.record { compare(known.packedLabels) { .serviceLabel(service: known.key.name, $0) } }
        }
      case .scrapeConfig, .probe: break
      }
    }
    for service in servicesIn(group.namespace) {
      guard let record = service.record, let slot = service.monitors.slots.first, let monitor = monitors[Int(slot)]?.record else {
        continue
      }
      let selector = record.selector
      let unmet = selector.filter { labels[$0.key] != $0.value }
      guard unmet.count == 1, selector.count > 1, let (key, value) = unmet.first else { continue }
      let requirement = UnmetRequirement(key: key, operator: .isIn, values: [value], actual: labels[key])
      found.append(
        (
          Rank(
            met: selector.count - 1, alike: requirement.likeness, isElsewhere: monitor.id.namespace != group.namespace, isNamespace: false,
            monitor: monitor.id),
          NearestMonitor(monitor: monitor.id, difference: .serviceSelector(service: record.key.name, requirement))
        ))
    }
    return found.min { $0.rank < $1.rank }?.nearest
  }

  /// The order in which monitors are named: those with something in common with the Pod first, of these those of the Pod's namespace, then
  /// those that look in it, then those with more in common.
  private struct Rank: Comparable {
    /// The number of requirements that are met.
    var met: Int
    /// How many characters the wanted and the actual value begin with in common.
    var alike: Int
    var isElsewhere: Bool
    var isNamespace: Bool
    var monitor: MonitorID

    private var isStrange: Bool { met == 0 && alike < 3 }

    static func < (left: Rank, right: Rank) -> Bool {
      if left.isStrange != right.isStrange { return right.isStrange }
      if left.isElsewhere != right.isElsewhere { return right.isElsewhere }
      if left.isNamespace != right.isNamespace { return right.isNamespace }
      if left.met != right.met { return left.met > right.met }
      return left.alike == right.alike ? left.monitor < right.monitor : left.alike > right.alike
    }
  }
}

extension UnmetRequirement {
  /// The number of characters that the actual value and one of the wanted ones begin with in common.
  fileprivate var likeness: Int {
    guard let actual else { return 0 }
    return values.map { zip($0, actual).prefix { $0 == $1 }.count }.max() ?? 0
  }
}
