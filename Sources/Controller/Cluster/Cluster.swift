internal import Collector
internal import KubeClient
internal import Logging
internal import Primitives
internal import Roll

/// The cluster to connect to.
package struct ClusterSettings: Hashable, Sendable {
  /// A kubeconfig file; `nil` for the default lookup of `ClusterConfiguration`.
  package var kubeconfig: String?
  /// `nil` for the current context.
  package var context: String?
  /// The namespace of our objects; `nil` for the one of the context or the service account.
  package var namespace: String?
  /// The namespace of the agents; `nil` for that of our objects.
  package var agentNamespace: String?

  package init(kubeconfig: String? = nil, context: String? = nil, namespace: String? = nil, agentNamespace: String? = nil) {
    self.kubeconfig = kubeconfig
    self.context = context
    self.namespace = namespace
    self.agentNamespace = agentNamespace
  }
}

/// The API client and what is watched.
struct Cluster: Sendable {
  let configuration: ClusterConfiguration
  let client: KubeClient
  let namespace: String
  /// The namespace of the agents' DaemonSet and Secret.
  let agentNamespace: String
  let nodes: Reflector<NodeRecord>
  let pods: Reflector<PodRecord>
  let exemptions: ExemptionWatches

  /// - Parameter selection: the Pods to keep, given the namespace of our objects.
  init(
    settings: ClusterSettings, selection: (_ namespace: String) -> PodSelection = { _ in .all }, environment: [String: String],
    logger: Logger
  ) throws(ControllerError) {
    do throws(ConfigurationError) {
      configuration = try ClusterConfiguration.load(kubeconfig: settings.kubeconfig, context: settings.context, environment: environment)
    } catch {
      throw .configuration("\(error)")
    }
    do throws(KubeError) {
      client = try KubeClient(configuration: configuration, logger: logger)
    } catch {
      throw .configuration("\(error)")
    }
    namespace = settings.namespace ?? configuration.defaultNamespace
    nodes = Reflector(client: client, resource: .nodes, decoder: .nodes(annotationPrefixes: Annotations.keptOnNodes), logger: logger)
    pods = Reflector(
      client: client, resource: .pods,
      // Policies select Pods by labels.
      decoder: .pods(annotationPrefixes: Annotations.keptPrefixes, keepsScrapeFacts: true, selection: selection(namespace)),
      logger: logger)
    agentNamespace = settings.agentNamespace ?? namespace
    exemptions = ExemptionWatches(client: client, agentNamespace: agentNamespace, logger: logger)
  }

  /// The file with the token of our service account; `nil` if we have another credential.
  var tokenFile: String? {
    if case .tokenFile(let path, _) = configuration.credentials { path } else { nil }
  }

  /// The Node as last received from the watch.
  func node(_ name: String) -> NodeRecord? {
    nodes.store.snapshot()[ObjectKey(name: name)]
  }

  /// The Node's annotations; empty for an unknown Node.
  func annotations(ofNode name: String) -> [String: String] {
    node(name)?.annotations ?? [:]
  }

  /// The Pod as last received from the watch.
  func pod(namespace: String, name: String) -> PodRecord? {
    pods.store.snapshot()[ObjectKey(namespace: namespace, name: name)]
  }

  /// The Pods on the node as last received from the watch.
  func pods(onNode node: String) -> [PodRecord] {
    Array(pods.store.snapshot().pods(onNode: node))
  }

  /// The workload of the container's Pod; `nil` if it has none or the Pod is gone.
  func workload(of container: ContainerReference) -> Workload? {
    pod(namespace: container.namespace, name: container.pod)?.workload
  }

  /// The names of a node's containers by container ID, exempt ones included.
  func containerNames(onNode node: String) -> ContainerNames {
    ContainerNames(
      node: node,
      pods.store.snapshot().pods(onNode: node).lazy.flatMap { pod in
        let (namespace, name) = (pod.namespace, pod.name)
        return pod.containers.map { container in
          (
            id: container.id.bare.description,
            reference: ContainerReference(namespace: namespace, pod: name, container: container.name)
          )
        }
      })
  }
}

extension Cluster: StatusSource {
  var status: [WatchStatus] {
    [
      WatchStatus(nodes, of: "nodes"), WatchStatus(pods, of: "pods"),
      WatchStatus(exemptions.namespaces, of: "namespaces", isRequired: false),
      WatchStatus(exemptions.runtimeClasses, of: "runtimeclasses", isRequired: false),
      WatchStatus(exemptions.daemonSets, of: "daemonsets", isRequired: false),
    ]
  }
}
