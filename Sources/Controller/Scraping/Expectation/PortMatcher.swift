internal import KubeClient
internal import Relabeling

/// The rule that the operator makes of a monitor's port.
struct PortMatcher: Sendable {
  let port: PortReference
  /// Matches names that are regular expressions; `nil` for a plain name, which is compared as text.
  private let pattern: Relabeler?
  /// Whether a port that is given by name is one of the Service.
  private let isOfService: Bool

  /// - Parameter kind: the kind of the monitor.
  init(_ port: PortReference, of kind: MonitorID.Kind) {
    self.port = port
    pattern =
      switch port {
      case .name(let name) where !isLiteral(name), .containerPortName(let name) where !isLiteral(name):
        // An invalid expression keeps nothing: Prometheus refuses it.
        try? Relabeler([RelabelRule(.keep, sourceLabels: ["port"], regex: name)])
      default: nil
      }
    isOfService = kind == .serviceMonitor || kind == .vmServiceScrape
  }

  /// Whether the rule keeps the target.
  func keeps(_ target: DiscoveredTarget) -> Bool {
    switch port {
    case .name: matches((isOfService ? target.servicePort : target.containerPort?.name) ?? "")
    case .containerPortName: matches(target.containerPort?.name ?? "")
    case .containerPortNumber(let number): target.containerPort?.number == number
    case .any: true
    }
  }

  /// Whether the name is the one that is wanted.
  private func matches(_ name: String) -> Bool {
    if let pattern { return pattern.relabel(["port": name]) != .dropped(rule: 0) }
    return switch port {
    case .name(let wanted), .containerPortName(let wanted): name == wanted
    case .containerPortNumber, .any: false
    }
  }

  /// The port that the monitor names and that neither the Pod nor the Service has; `nil` if it exists, so that something else is missing.
  /// - Parameter service: through which the monitor looks for the Pod.
  func missingPort(of pod: PodTargets, service: ServiceRecord?) -> MissingPort? {
    let declared = pod.declaredPorts
    var place = MissingPort.Place.containers
    switch port {
    case .name:
      guard let service else {
        if declared.contains(where: { matches($0.name) }) { return nil }
        break
      }
      let ports = service.ports
      let named = ports.filter { matches($0.name) }
      if named.isEmpty {
        place = .service(service.key.name, ports: ports.map(\.name))
        break
      }
      // The endpoints of a Pod have no port whose target is a name that the Pod does not declare.
      var undeclared: [String] = []
      for port in named {
        if case .name(let target) = port.target, !declared.contains(where: { $0.name == target }) { undeclared.append(target) }
      }
      guard undeclared.count == named.count else { return nil }
      place = .serviceTargetPort(service.key.name, targetPort: undeclared[0])
    case .containerPortName: if declared.contains(where: { matches($0.name) }) { return nil }
    case .containerPortNumber(let number): if declared.contains(where: { $0.number == number }) { return nil }
    case .any: return nil
    }
    return MissingPort(wanted: port, place: place, declared: declared)
  }
}

/// Whether no character of a port's name means anything else in a regular expression.
private func isLiteral(_ name: String) -> Bool {
  name.utf8.allSatisfy { byte in
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
      UInt8(ascii: "-"), UInt8(ascii: "_"):
      true
    default: false
    }
  }
}
