internal import KubeClient

/// The replicas of the controller. Prometheus scrapes each at its own address, because each has metrics of its own and only the leader has
/// the gaps.
struct ControllerReplicas: StatusSource {
  struct Replica: Hashable, Sendable {
    /// The name of its Pod.
    var pod: String
    /// The IP address of its Pod.
    var address: String
  }

  let cluster: Cluster
  /// The name of our own Pod; `nil` outside of the cluster.
  let pod: String?

  /// The running Pods of our own workload, sorted by name; empty if we do not run as a Pod of the cluster.
  var status: [Replica] {
    guard let pod, let own = cluster.pod(namespace: cluster.namespace, name: pod) else { return [] }
    let workload = own.workload
    let replicas = cluster.pods.store.snapshot().lazy.compactMap { pod -> Replica? in
      guard pod.namespace == cluster.namespace, workload.map({ pod.workload == $0 }) ?? (pod.name == own.name), pod.phase == "Running",
        let address = pod.podIPs.first
      else { return nil }
      return Replica(pod: pod.name, address: address)
    }
    return replicas.sorted { $0.pod < $1.pod }
  }
}
