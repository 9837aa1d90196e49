internal import Controller
internal import JSON
internal import KubeClient
internal import Primitives

/// Asks the API server and the controller for what the checks need. Reads only; what is refused is not known.
struct FactGatherer: Sendable {
  let client: KubeClient
  let namespace: String
  let agentNamespace: String

  /// What the user of the command needs to reach the controller through kubectl.
  static func portForward(in namespace: String) -> InstallationFacts.Right {
    InstallationFacts.Right(account: "", verb: "create", group: "", resource: "pods/portforward", namespace: namespace)
  }

  /// - Parameter controller: asks the controller.
  /// - Throws: `QueryFailure` if the API server cannot be reached.
  func facts(controller: @escaping @Sendable () async -> Fact<InstallationFacts.ControllerFacts>) async throws -> InstallationFacts {
    // Whether it can be reached at all.
    if case .unknown(let problem) = await list(.namespaces, .all), case .failure(let error) = await reach() {
      throw QueryFailure("the API server cannot be asked: \(error); \(problem)")
    }
    var facts = InstallationFacts(namespace: namespace, agentNamespace: agentNamespace, now: .now)
    async let answer = controller()
    facts.lists = await lists(Self.first(namespace, agentNamespace))
    // By the clock of this machine, after the lists, because Leases are renewed meanwhile.
    facts.now = .now
    let prometheusNamespaces = Set(facts.prometheuses.map(\.id.namespace)).sorted()
    let alertmanagers = facts.setting("alertmanager-url").compactMap { DoctorCheck.serviceName(in: $0, from: namespace)?.namespace }
    facts.lists.merge(await lists(Self.second(prometheusNamespaces, Set(alertmanagers).sorted()))) { $1 }
    facts.rights = await rights(
      DoctorCheck.rights(of: facts.controllerAccount, in: namespace, shards: facts.shards)
        + facts.prometheuses.flatMap { DoctorCheck.rights(ofPrometheus: InstallationFacts.account(of: $0), in: namespace) }
        + [Self.portForward(in: namespace)])
    facts.controller = await answer
    return facts
  }

  private func reach() async -> Result<Void, KubeError> {
    do throws(KubeError) {
      _ = try await client.list(.pods, Selection(namespace: namespace))
      return .success(())
    } catch {
      if error.status != nil { return .success(()) }
      return .failure(error)
    }
  }

  // MARK: Lists

  private struct Question: Sendable {
    var list: InstallationFacts.List
    var resource: APIResource
    /// What several selections find is one list.
    var selections: [Selection]
  }

  private static func first(_ namespace: String, _ agentNamespace: String) -> [Question] {
    let ours = "app.kubernetes.io/name=rollcall"
    let controllers = Selection(labels: "\(ours),app.kubernetes.io/component=controller")
    func inNamespace(_ list: InstallationFacts.List, _ resource: APIResource, _ namespaces: [String], labels: String? = nil) -> Question {
      Question(list: list, resource: resource, selections: Set(namespaces).sorted().map { Selection(namespace: $0, labels: labels) })
    }
    return [
      Question(list: .deployments, resource: .deployments, selections: [controllers]),
      Question(list: .statefulSets, resource: .statefulSets, selections: [controllers]),
      inNamespace(.daemonSets, .daemonSets, [agentNamespace], labels: ours),
      inNamespace(.pods, .pods, [namespace, agentNamespace], labels: ours),
      Question(list: .nodes, resource: .nodes, selections: [.all]),
      Question(list: .namespaces, resource: .namespaces, selections: [.all]),
      Question(list: .leases, resource: .leases, selections: [Selection(fields: "metadata.name=rollcall-controller")]),
      inNamespace(.shardLeases, .leases, [namespace]),
      inNamespace(.nodeLeases, .leases, ["kube-node-lease"]),
      Question(list: .networkPolicies, resource: .networkPolicies, selections: [.all]),
      Question(list: .prometheuses, resource: .prometheuses, selections: [.all]),
      Question(list: .prometheusAgents, resource: .prometheusAgents, selections: [.all]),
      inNamespace(.serviceMonitors, .serviceMonitors, [namespace]),
      inNamespace(.endpointSlices, .endpointSlices, [namespace]),
      Question(list: .events, resource: .events, selections: [Selection(namespace: agentNamespace, fields: "reason=FailedCreate")]),
    ]
  }

  private static func second(_ prometheusNamespaces: [String], _ alertmanagerNamespaces: [String]) -> [Question] {
    [
      Question(
        list: .prometheusPods, resource: .pods,
        selections: prometheusNamespaces.map {
          Selection(namespace: $0, labels: "app.kubernetes.io/name in (prometheus, prometheus-agent)")
        }),
      Question(
        list: .alertmanagerServices, resource: .services, selections: alertmanagerNamespaces.map { Selection(namespace: $0) }),
      Question(
        list: .alertmanagerSlices, resource: .endpointSlices, selections: alertmanagerNamespaces.map { Selection(namespace: $0) }),
    ]
  }

  private func lists(_ questions: [Question]) async -> [InstallationFacts.List: Fact<[JSONValue]>] {
    await withTaskGroup { group in
      for question in questions {
        group.addTask {
          var items: [JSONValue] = []
          for selection in question.selections {
            switch await self.list(question.resource, selection) {
            case .known(let found): items += found
            case let other: return (question.list, other)
            }
          }
          return (question.list, Fact.known(items))
        }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  private func list(_ resource: APIResource, _ selection: Selection) async -> Fact<[JSONValue]> {
    do throws(KubeError) {
      return .known(try await client.list(resource, selection).items)
    } catch {
      return error.status?.isNotFound == true ? .absent : .unknown("\(error)")
    }
  }

  // MARK: Rights

  private func rights(_ rights: [InstallationFacts.Right]) async -> [InstallationFacts.Right: Fact<Bool>] {
    await withTaskGroup { group in
      for right in Set(rights) {
        group.addTask { (right, await self.isAllowed(right)) }
      }
      return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
    }
  }

  private func isAllowed(_ right: InstallationFacts.Right) async -> Fact<Bool> {
    let parts = right.resource.split(separator: "/", maxSplits: 1).map(String.init)
    var attributes: JSONValue = ["verb": .string(right.verb), "group": .string(right.group), "resource": .string(parts[0])]
    if parts.count > 1 { attributes["subresource"] = .string(parts[1]) }
    if let namespace = right.namespace { attributes["namespace"] = .string(namespace) }
    if let name = right.name { attributes["name"] = .string(name) }
    var spec: JSONValue = ["resourceAttributes": attributes]
    let isOwn = right.account.isEmpty
    if !isOwn {
      let namespace = right.account.split(separator: ":").dropLast().last.map(String.init) ?? ""
      spec["user"] = .string(right.account)
      spec["groups"] = ["system:serviceaccounts", .string("system:serviceaccounts:\(namespace)"), "system:authenticated"]
    }
    let resource: APIResource = isOwn ? .selfSubjectAccessReviews : .subjectAccessReviews
    let review: JSONValue = [
      "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "spec": spec,
    ]
    do throws(KubeError) {
      guard let allowed = try await client.create(review, in: resource)["status"]?["allowed"]?.bool else {
        return .unknown("the review has no answer")
      }
      return .known(allowed)
    } catch {
      return .unknown("\(error)")
    }
  }
}

extension InstallationFacts.ControllerFacts {
  /// Asks a controller for what it knows of itself.
  init(of connection: ControllerConnection) async throws {
    gaps = try await connection.get("/api/v1/gaps").list("gaps")
    let metrics = try await connection.text("/metrics")
    for match in metrics.matches(of: /\nrollcall_certificate_expiry_timestamp_seconds\{certificate="([^"]+)"\} (\S+)/) {
      certificates[String(match.1)] = Double(match.2)
    }
    version = metrics.firstMatch(of: /\nrollcall_build_info\{[^}]*version="([^"]+)"/).map { String($0.1) }
  }
}
