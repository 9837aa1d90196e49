import JSON
import KubeClient
import Logging

/// Keeps a ConfigMap with the number of running Pods. If several processes call this, one of them writes.
func keepPodCount(in namespace: String, as identity: String, environment: [String: String], logger: Logger) async throws {
  let configuration = try ClusterConfiguration.load(environment: environment)
  let client = try KubeClient(configuration: configuration, logger: logger)
  let pods = Reflector(client: client, resource: .pods, decoder: .pods(), logger: logger)
  let elector = LeaderElector(
    client: try KubeClient(configuration: configuration, logger: logger),
    lease: ObjectKey(namespace: namespace, name: "pod-count"), identity: identity, logger: logger)

  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { await pods.run() }
    group.addTask {
      try await elector.run {
        for await _ in pods.store.changes where pods.store.isSynced && elector.isLeader {
          let running = pods.store.snapshot().filter { $0.phase == "Running" }
          do {
            try await client.apply(
              [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": ["name": "pod-count", "namespace": .string(namespace)],
                "data": ["running": .string("\(running.count)")],
              ], fieldManager: "pod-count")
          } catch {
            // Retried at the next change.
            logger.warning("not written", metadata: ["error": "\(error)"])
          }
        }
      }
    }
    try await group.waitForAll()
  }
}
