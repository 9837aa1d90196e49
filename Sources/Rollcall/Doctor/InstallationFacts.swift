internal import Controller
internal import JSON
internal import Primitives

/// Something that was asked for.
enum Fact<Value: Sendable>: Sendable {
  case known(Value)
  /// The API server does not have the resource.
  case absent
  /// It could not be asked, and why.
  case unknown(String)

  var value: Value? {
    guard case .known(let value) = self else { return nil }
    return value
  }

  /// Why it is not known.
  var problem: String? {
    guard case .unknown(let problem) = self else { return nil }
    return problem
  }
}

/// What `rollcall doctor` knows of an installation. The checks are functions of it.
struct InstallationFacts: Sendable {
  enum List: String, CaseIterable, Sendable {
    /// Of controllers, in all namespaces. With shards a controller is a StatefulSet.
    case deployments, statefulSets
    /// Those of agents, in the namespace of the agents.
    case daemonSets
    /// Of controllers and agents.
    case pods
    case nodes, namespaces
    /// `rollcall-controller` in all namespaces.
    case leases
    /// Those of the other shards' leaders, and others in the namespace of the controller.
    case shardLeases
    /// Of the nodes' kubelets.
    case nodeLeases
    case networkPolicies, prometheuses, prometheusAgents
    /// In the namespace of the controller.
    case serviceMonitors
    case endpointSlices
    /// The newest about agents that could not be created or scheduled.
    case events
    /// Of Prometheus, in the namespaces of the Prometheus objects.
    case prometheusPods
    /// Services of Alertmanagers and their endpoints, in the namespaces that the controller's URLs name.
    case alertmanagerServices, alertmanagerSlices
  }

  /// A verb on a resource in a namespace, of a service account.
  struct Right: Hashable, Sendable {
    var account: String
    var verb: String
    var group: String
    var resource: String
    /// `nil` for all namespaces, or none.
    var namespace: String?
    /// `nil` for every object.
    var name: String?
  }

  /// What a controller says of itself.
  struct ControllerFacts: Sendable {
    var gaps: [JSONValue] = []
    /// When each certificate expires, in seconds since 1970.
    var certificates: [String: Double] = [:]
    var version: String?
  }

  /// Of the controller.
  var namespace: String
  var agentNamespace: String
  /// By the clock of this machine.
  var now: Timestamp
  var lists: [List: Fact<[JSONValue]>] = [:]
  var rights: [Right: Fact<Bool>] = [:]
  var controller: Fact<ControllerFacts> = .unknown("it was not asked")

  func list(_ list: List) -> Fact<[JSONValue]> { lists[list] ?? .absent }
  func items(_ list: List) -> [JSONValue] { self.list(list).value ?? [] }
}

// MARK: Objects

extension JSONValue {
  var objectName: String { self["metadata"]?["name"]?.string ?? "" }
  var objectNamespace: String { self["metadata"]?["namespace"]?.string ?? "" }
  var objectLabels: [String: String] { (self["metadata"]?["labels"]?.object ?? [:]).compactMapValues(\.string) }

  fileprivate func isComponent(_ name: String) -> Bool {
    objectLabels["app.kubernetes.io/name"] == "rollcall" && objectLabels["app.kubernetes.io/component"] == name
  }
}

extension InstallationFacts {
  var controllerPods: [JSONValue] { items(.pods).filter { $0.isComponent("controller") } }
  var agentPods: [JSONValue] { items(.pods).filter { $0.isComponent("agent") } }

  /// The Deployments or StatefulSets of controllers, in all namespaces.
  var controllers: [JSONValue] { items(.deployments) + items(.statefulSets) }

  /// Those of the controller.
  var ownControllers: [JSONValue] { controllers.filter { $0.objectNamespace == namespace } }

  /// The number of shards of the controller.
  var shards: Int { setting("shards").last.flatMap(Int.init) ?? 1 }

  /// The service account of the controller.
  var controllerAccount: String {
    let name = ownControllers.first?["spec"]?["template"]?["spec"]?["serviceAccountName"]?.string ?? "rollcall-controller"
    return "system:serviceaccount:\(namespace):\(name)"
  }

  /// Prometheus and PrometheusAgent objects.
  var prometheuses: [PrometheusRecord] {
    items(.prometheuses).map { PrometheusRecord(.server, $0) } + items(.prometheusAgents).map { PrometheusRecord(.agent, $0) }
  }

  static func account(of prometheus: PrometheusRecord) -> String {
    "system:serviceaccount:\(prometheus.id.namespace):\(prometheus.processes.serviceAccount)"
  }

  /// The values of one of the controller's settings, in its arguments and its environment.
  func setting(_ name: String) -> [String] {
    let variable = "ROLLCALL_" + name.uppercased().replacing("-", with: "_")
    return ownControllers.flatMap { controller -> [String] in
      (controller["spec"]?["template"]?["spec"]?["containers"]?.array ?? []).flatMap { container -> [String] in
        let arguments = (container["args"]?.array ?? []).compactMap(\.string)
        let flags = arguments.indices.compactMap { index -> String? in
          if arguments[index].hasPrefix("--\(name)=") { return String(arguments[index].dropFirst(name.count + 3)) }
          return arguments[index] == "--\(name)" && index + 1 < arguments.count ? arguments[index + 1] : nil
        }
        let variables = (container["env"]?.array ?? []).first { $0["name"]?.string == variable }?["value"]?.string ?? ""
        return flags.isEmpty ? variables.split(separator: ";").map(String.init) : flags
      }
    }
  }
}
