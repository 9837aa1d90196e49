internal import JSON
internal import Primitives

extension DoctorCheck {
  /// Kubelets and controllers write the time by their own clock into their Leases: every 10 s and every 2 s.
  private static let tolerance: Int64 = 60

  /// Whether the clocks of nodes, of the controller and of this machine agree.
  ///
  /// The median of all is taken for right. The Lease of a node that is not ready is old for another reason.
  static let clocks = DoctorCheck(name: "clocks") { facts in
    if let problem = facts.list(.nodeLeases).problem { return [.unknown(problem)] }
    let ready = Set(facts.items(.nodes).filter { $0.hasCondition("Ready") }.map(\.objectName))
    var clocks: [(name: String, time: Int64)] = facts.items(.nodeLeases).filter { ready.contains($0.objectName) }.compactMap { lease in
      lease.renewed.map { ("node \(lease.objectName)", $0) }
    }
    if facts.controllerPods.contains(where: { $0.hasCondition("Ready") }),
      let lease = facts.items(.leases).first(where: { $0.objectNamespace == facts.namespace }), let time = lease.renewed
    {
      clocks.append(("the controller \(lease["spec"]?["holderIdentity"]?.string ?? "")", time))
    }
    clocks.append(("this machine", facts.now.seconds))
    guard clocks.count > 2 else { return [.notApplicable("no two machines to compare")] }
    let median = clocks.map(\.time).sorted()[clocks.count / 2]
    let apart = clocks.filter { abs($0.time - median) > tolerance }
    if apart.isEmpty { return [.ok("\(clocks.count) clocks agree")] }
    let names = apart.map { "\($0.name) is \(age(abs($0.time - median))) \($0.time > median ? "ahead" : "behind")" }
    return [
      .mistake(
        "clocks are apart: \(listed(names))",
        fix:
          "Synchronize them (chrony or systemd-timesyncd). Gaps do not depend on clocks, but certificates and the samples of virtual nodes do."
      )
    ]
  }
}

extension JSONValue {
  fileprivate var renewed: Int64? { self["spec"]?["renewTime"]?.string.flatMap(Timestamp.init(rfc3339:))?.seconds }
}
