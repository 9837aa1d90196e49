internal import JSON
internal import KubeClient
internal import Logging

/// Watches the objects that exemptions depend on: Namespaces, RuntimeClasses, and the DaemonSets in the namespace of the agents.
///
/// Rolls do not wait for these watches. Without permission to watch a kind, the rules are as if the cluster had no such objects.
struct ExemptionWatches: Sendable {
  let namespaces: Reflector<NamespaceRecord>
  let runtimeClasses: Reflector<RuntimeClassRecord>
  let daemonSets: Reflector<DaemonSetRecord>

  init(client: KubeClient, agentNamespace: String, logger: Logger) {
    namespaces = Reflector(
      client: client, resource: .namespaces, decoder: RecordDecoder(kind: APIResource.namespaces.kind) { NamespaceRecord($0) },
      logger: logger)
    runtimeClasses = Reflector(
      client: client, resource: .runtimeClasses, decoder: RecordDecoder(kind: APIResource.runtimeClasses.kind) { RuntimeClassRecord($0) },
      logger: logger)
    daemonSets = Reflector(
      client: client, resource: .daemonSets, selection: Selection(namespace: agentNamespace),
      decoder: RecordDecoder(kind: APIResource.daemonSets.kind) { DaemonSetRecord($0) }, logger: logger)
  }

  /// Runs until the task is cancelled.
  func run() async {
    await withTaskGroup { group in
      group.addTask { await namespaces.run() }
      group.addTask { await runtimeClasses.run() }
      group.addTask { await daemonSets.run() }
    }
  }

  /// Calls `body` when one of the objects has changed, until the task is cancelled.
  func forEachChange(_ body: @escaping @Sendable () -> Void) async {
    await withTaskGroup { group in
      group.addTask { for await _ in namespaces.store.changes { body() } }
      group.addTask { for await _ in runtimeClasses.store.changes { body() } }
      group.addTask { for await _ in daemonSets.store.changes { body() } }
    }
  }

  func rules(_ settings: ExemptionSettings) -> ExemptionRules {
    ExemptionRules(
      daemonSets: daemonSets.store.snapshot(), namespaces: namespaces.store.snapshot(), runtimeClasses: runtimeClasses.store.snapshot(),
      settings: settings)
  }
}

/// A Namespace, reduced to what exempts its pods.
struct NamespaceRecord: Record {
  let key: ObjectKey
  let resourceVersion: String
  let labels: [String: String]
  let isIgnored: Bool

  init(_ object: JSONValue) {
    (key, resourceVersion, labels) = object.identification
    isIgnored = object["metadata"]?["annotations"]?[Annotations.ignore]?.string == "true"
  }
}

/// The part of a RuntimeClass that decides whether it is a sandbox.
struct RuntimeClassRecord: Record {
  let key: ObjectKey
  let resourceVersion: String
  let labels: [String: String]
  let handler: String

  init(_ object: JSONValue) {
    (key, resourceVersion, labels) = object.identification
    handler = object["handler"]?.string ?? ""
  }
}

/// A DaemonSet, reduced to where it runs.
struct DaemonSetRecord: Record {
  let key: ObjectKey
  let resourceVersion: String
  /// Whether it is ours, by its name or by its labels.
  let isAgent: Bool
  let placement: AgentPlacement

  init(_ object: JSONValue) {
    let labels: [String: String]
    (key, resourceVersion, labels) = object.identification
    isAgent =
      key.name == "rollcall-agent"
      || labels["app.kubernetes.io/name"] == "rollcall" && labels["app.kubernetes.io/component"] == "agent"
    placement = AgentPlacement(podSpec: object["spec"]?["template"]?["spec"])
  }
}

extension JSONValue {
  fileprivate var identification: (key: ObjectKey, resourceVersion: String, labels: [String: String]) {
    let metadata = self["metadata"]
    return (
      ObjectKey(namespace: metadata?["namespace"]?.string ?? "", name: metadata?["name"]?.string ?? ""),
      metadata?["resourceVersion"]?.string ?? "", (metadata?["labels"]?.object ?? [:]).compactMapValues(\.string)
    )
  }
}
