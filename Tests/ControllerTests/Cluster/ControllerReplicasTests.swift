import JSON
import KubeClient
import Simulator
import TestSupport
import Testing

@testable import Controller

@Suite struct ControllerReplicasTests {
  private func pod(
    _ name: String, namespace: String = "rollcall", workload: String = "ReplicaSet/rollcall-controller-5d8f", ip: String?,
    phase: String = "Running"
  ) -> JSONValue {
    let owner = workload.split(separator: "/").map(String.init)
    var status: JSONValue = ["phase": .string(phase)]
    if let ip { status["podIPs"] = [["ip": .string(ip)]] }
    return [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "name": .string(name), "namespace": .string(namespace), "labels": ["pod-template-hash": "5d8f"],
        "ownerReferences": [
          ["apiVersion": "apps/v1", "kind": .string(owner[0]), "name": .string(owner[1]), "uid": "1", "controller": true]
        ],
      ],
      "spec": ["nodeName": "w1", "containers": [["name": "main", "image": "rollcall"]]], "status": status,
    ]
  }

  /// The replicas as a Pod of this name finds them.
  private func replicas(of name: String?) async throws -> [ControllerReplicas.Replica] {
    var found: [ControllerReplicas.Replica] = []
    try await withSimulator { server in
      for object in [
        pod("rollcall-controller-5d8f-b", ip: "10.1.0.2"), pod("rollcall-controller-5d8f-a", ip: "2001:db8::1"),
        pod("rollcall-controller-5d8f-new", ip: nil), pod("rollcall-controller-5d8f-evicted", ip: "10.1.0.3", phase: "Failed"),
        pod("rollcall-agent-x", workload: "DaemonSet/rollcall-agent", ip: "10.1.0.4"),
        pod("rollcall-controller-5d8f-c", namespace: "elsewhere", ip: "10.1.0.5"),
      ] { try server.put(object) }
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
      let cluster = try Cluster(
        settings: ClusterSettings(kubeconfig: kubeconfig, namespace: "rollcall"), environment: [:], logger: .silent)
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await cluster.pods.run() }
        try await eventually("the Pods are listed") { cluster.pods.store.isSynced }
        found = ControllerReplicas(cluster: cluster, pod: name).status
        group.cancelAll()
      }
    }
    return found
  }

  @Test func `R82: the running Pods of our own workload are the replicas`() async throws {
    #expect(
      try await replicas(of: "rollcall-controller-5d8f-a") == [
        .init(pod: "rollcall-controller-5d8f-a", address: "2001:db8::1"), .init(pod: "rollcall-controller-5d8f-b", address: "10.1.0.2"),
      ])
  }

  @Test(arguments: [nil, "unknown"]) func `outside of the cluster no replica is known`(name: String?) async throws {
    #expect(try await replicas(of: name).isEmpty)
  }
}
