internal import Controller
internal import JSON
internal import Primitives

extension DoctorCheck {
  /// Renewed every 2 s by the leader, and valid for 15 s.
  static let freshLease: Int64 = 60

  // MARK: The controller

  /// Whether a controller runs and leads.
  static let controller = DoctorCheck(name: "controller") { facts in
    if let problem = facts.list(.leases).problem { return [.unknown(problem)] }
    let lease = facts.items(.leases).first { $0.objectNamespace == facts.namespace }
    let holder = lease?["spec"]?["holderIdentity"]?.string ?? ""
    let renewed = lease?["spec"]?["renewTime"]?.string.flatMap(Timestamp.init(rfc3339:))
    // Our own clock may be wrong, which is another check: pods that are ready are as good.
    let isReady = facts.controllerPods.contains { $0.hasCondition("Ready") }
    if let renewed, !holder.isEmpty, isReady || abs(facts.now.seconds - renewed.seconds) <= freshLease {
      let version = facts.controller.value?.version.map { ", version \($0)" } ?? ""
      return [.ok("\(holder) leads\(facts.shards > 1 ? " shard 0" : "")\(version)")] + otherShards(facts)
    }
    let waiting = facts.controllerPods.compactMap(\.waitingReason)
    guard !facts.ownControllers.isEmpty || lease != nil else {
      return [
        .mistake(
          "there is no controller in namespace \(facts.namespace)",
          fix: "Install it (kubectl apply -k manifests/default), or name its namespace with --controller-namespace.")
      ]
    }
    return [
      .mistake(
        waiting.isEmpty
          ? "no controller leads in namespace \(facts.namespace)" : "no controller runs: \(listed(Set(waiting).sorted()))",
        fix: "See kubectl -n \(facts.namespace) describe pods -l app.kubernetes.io/component=controller, and the log of its pods.")
    ]
  }

  /// Whether the other shards have leaders.
  private static func otherShards(_ facts: InstallationFacts) -> [Finding] {
    // The controller refuses other numbers.
    guard (2...64).contains(facts.shards) else { return [] }
    if let problem = facts.list(.shardLeases).problem { return [.unknown("who leads shards 1 to \(facts.shards - 1): \(problem)")] }
    let isLed = { (shard: Int) -> Bool in
      let name = ObjectNames.name("rollcall-controller", of: shard)
      guard let lease = facts.items(.shardLeases).first(where: { $0.objectName == name }) else { return false }
      guard let renewed = lease["spec"]?["renewTime"]?.string.flatMap(Timestamp.init(rfc3339:)) else { return false }
      return lease["spec"]?["holderIdentity"]?.string?.isEmpty == false && abs(facts.now.seconds - renewed.seconds) <= freshLease
    }
    let missing = (1..<facts.shards).filter { !isLed($0) }
    if missing.isEmpty { return [.ok("shards 1 to \(facts.shards - 1) have leaders")] }
    return [
      .mistake(
        "no controller leads shard \(listed(missing.map(String.init)))",
        fix:
          "Pod number K of the StatefulSet is of shard K modulo \(facts.shards). See kubectl -n \(facts.namespace) get pods "
          + "-l app.kubernetes.io/component=controller, and the log of those that do not lead.")
    ]
  }

  // MARK: Several installations

  static let twoRollcalls = DoctorCheck(name: "two installations") { facts in
    if let problem = facts.list(.deployments).problem ?? facts.list(.leases).problem { return [.unknown(problem)] }
    let others = Set(
      facts.controllers.map(\.objectNamespace)
        + facts.items(.leases).filter { lease in
          let renewed = lease["spec"]?["renewTime"]?.string.flatMap(Timestamp.init(rfc3339:))
          return renewed.map { abs(facts.now.seconds - $0.seconds) <= freshLease } ?? false
        }.map(\.objectNamespace)
    ).subtracting([facts.namespace]).sorted()
    if others.isEmpty { return [.ok("no other namespace has a controller")] }
    return [
      .mistake(
        "another controller is in namespace \(listed(others)): each container is called, scraped and reported twice",
        fix: "Delete one of them: kubectl delete -k manifests/default, or helm uninstall, in the namespace that is not wanted.")
    ]
  }

  // MARK: Rights

  /// What the controller's role allows, by the API server's own word.
  static func rights(of account: String, in namespace: String, shards: Int = 1) -> [InstallationFacts.Right] {
    typealias Right = InstallationFacts.Right
    func clusterWide(_ verb: String, _ group: String, _ resource: String) -> Right {
      Right(account: account, verb: verb, group: group, resource: resource)
    }
    func own(_ verb: String, _ group: String, _ resource: String, _ name: String? = nil) -> Right {
      Right(account: account, verb: verb, group: group, resource: resource, namespace: namespace, name: name)
    }
    return [
      clusterWide("list", "", "nodes"), clusterWide("watch", "", "nodes"), clusterWide("list", "", "pods"),
      clusterWide("watch", "", "pods"), clusterWide("create", "authentication.k8s.io", "tokenreviews"),
      clusterWide("create", "authorization.k8s.io", "subjectaccessreviews"), clusterWide("create", "events.k8s.io", "events"),
      own("patch", "", "services"), own("patch", "discovery.k8s.io", "endpointslices"),
      own("update", "", "secrets", "rollcall-tls"), own("update", "", "secrets", "rollcall-authority"),
    ]
      + (0..<min(max(shards, 1), 64)).flatMap { shard in
        [
          own("update", "coordination.k8s.io", "leases", ObjectNames.name("rollcall-controller", of: shard)),
          own("patch", "", "configmaps", ObjectNames.name("rollcall-gaps", of: shard)),
        ]
      }
  }

  static let rights = DoctorCheck(name: "rights") { facts in
    let account = facts.controllerAccount
    let wanted = rights(of: account, in: facts.namespace, shards: facts.shards)
    let missing = wanted.filter { facts.rights[$0]?.value == false }
    var findings: [Finding] = []
    if !missing.isEmpty {
      findings.append(
        .mistake(
          "the service account of the controller may not \(listed(missing.map(\.text)))",
          fix: "Apply manifests/default/rbac.yaml, or set rbac.create in the chart; check that the bindings name \(account)."))
    }
    let unknown = wanted.filter { facts.rights[$0]?.value == nil }
    if let problem = unknown.first.flatMap({ facts.rights[$0]?.problem }) {
      findings.append(.unknown("what the controller may do: \(problem)"))
    } else if missing.isEmpty {
      findings.append(.ok("the service account of the controller may do what it needs"))
    }
    // What the user of this command may not do and see.
    if facts.controller.value == nil, facts.rights[FactGatherer.portForward(in: facts.namespace)]?.value == false {
      findings.append(
        .unknown("you may not create pods/portforward in namespace \(facts.namespace), so the controller can be asked with --server only"))
    }
    let hidden = InstallationFacts.List.allCases.compactMap { list in facts.list(list).problem.map { (list, $0) } }
    if let (_, problem) = hidden.first {
      findings.append(
        .unknown("you may not see \(listed(hidden.map(\.0.rawValue))), so not everything can be checked (\(problem))"))
    }
    return findings
  }

  // MARK: Certificates

  static let certificates = DoctorCheck(name: "certificates") { facts in
    guard let controller = facts.controller.value else { return [.unknown(facts.controller.problem ?? "the controller was not asked")] }
    guard !controller.certificates.isEmpty else { return [.notApplicable("the controller reports no certificates")] }
    let now = Double(facts.now.seconds)
    let findings = controller.certificates.sorted { $0.key < $1.key }.compactMap { name, expiry -> Finding? in
      guard expiry - now < 7 * 86_400 else { return nil }
      let when = expiry < now ? "expired \(age(Int64(now - expiry))) ago" : "expires in \(age(Int64(expiry - now)))"
      return .mistake(
        "the certificate \(name) \(when)",
        fix:
          "The log of the leader has \"certificate problem\" with the reason, usually that it may not update the Secrets rollcall-tls and "
          + "rollcall-authority. Renew certificates that you provide yourself.")
    }
    let refused = Set(controller.gaps.filter { $0["reason"]?.string == "AgentUnreachable" }.compactMap { $0["node"]?.string })
    if findings.isEmpty, !refused.isEmpty {
      return [
        .ok("none expires within a week; if an agent refuses the controller's, its log has \"TLS handshake failed\" with what to do")
      ]
    }
    return findings.isEmpty ? [.ok("none expires within a week")] : findings
  }
}

extension InstallationFacts.Right {
  fileprivate var text: String {
    "\(verb) \(resource)\(group.isEmpty ? "" : ".\(group)")\(name.map { "/\($0)" } ?? "")\(namespace.map { " in \($0)" } ?? "")"
  }
}

extension JSONValue {
  func hasCondition(_ type: String) -> Bool {
    self["status"]?["conditions"]?.array?.contains { $0["type"]?.string == type && $0["status"]?.string == "True" } == true
  }

  /// Why a Pod does not run: the reason of a container that waits, or why it is not scheduled.
  var waitingReason: String? {
    let statuses = (self["status"]?["initContainerStatuses"]?.array ?? []) + (self["status"]?["containerStatuses"]?.array ?? [])
    if let waiting = statuses.compactMap({ $0["state"]?["waiting"] }).first, let reason = waiting["reason"]?.string {
      return waiting["message"]?.string.map { "\(reason) (\($0.prefix(200)))" } ?? reason
    }
    let scheduled = self["status"]?["conditions"]?.array?.first { $0["type"]?.string == "PodScheduled" && $0["status"]?.string == "False" }
    return scheduled.map { "\($0["reason"]?.string ?? "not scheduled"): \($0["message"]?.string ?? "")" }
  }
}
