internal import Collector
import HTTPTransport
import KubeClient
import Logging
import Roll

/// Our side of the API server: where it is, and what we watch there.
struct Cluster: Sendable {
  let configuration: ClusterConfiguration
  let client: KubeClient
  let namespace: String
  let nodes: Reflector<NodeRecord>
  let pods: Reflector<PodRecord>

  init(settings: ControllerSettings, environment: [String: String], logger: Logger) throws(ControllerError) {
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
    nodes = Reflector(client: client, resource: .nodes, decoder: .nodes(annotationPrefixes: Annotations.keptPrefixes), logger: logger)
    pods = Reflector(client: client, resource: .pods, decoder: .pods(annotationPrefixes: Annotations.keptPrefixes), logger: logger)
  }

  /// The Node of that name as it was last seen.
  func node(_ name: String) -> NodeRecord? {
    nodes.store.snapshot()[ObjectKey(name: name)]
  }

  /// What the containers of a node are called, by their IDs; those that need not be collected have names, too.
  func containerNames(onNode node: String) -> ContainerNames {
    ContainerNames(
      node: node,
      pods.store.snapshot().pods(onNode: node).lazy.flatMap { pod in
        let (namespace, name) = (pod.namespace, pod.name)
        return pod.containers.map { container in
          (
            id: container.containerID.afterScheme,
            reference: ContainerReference(namespace: namespace, pod: name, container: container.name)
          )
        }
      })
  }

  /// The Pod of that name as it was last seen.
  func pod(namespace: String, name: String) -> PodRecord? {
    pods.store.snapshot()[ObjectKey(namespace: namespace, name: name)]
  }

  var watches: [WatchStatus] {
    [
      WatchStatus(resource: "nodes", isListed: nodes.store.isSynced, status: nodes.status, statistics: nodes.statistics),
      WatchStatus(resource: "pods", isListed: pods.store.isSynced, status: pods.status, statistics: pods.statistics),
    ]
  }
}

extension String {
  /// `containerd://0123…` without the runtime's name.
  fileprivate var afterScheme: String {
    firstRange(of: "://").map { String(self[$0.upperBound...]) } ?? self
  }
}
