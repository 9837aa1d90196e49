import Foundation
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// The example in docs/kubeclient.md.
@Suite(.timeLimit(.minutes(1))) struct UsageTests {
  @Test func `the example works`() async throws {
    let folder = try TemporaryFolder()
    try await withSimulator { server, _ in
      for (name, phase) in [("a", "Running"), ("b", "Running"), ("c", "Pending")] {
        try server.put(pod(name, phase))
      }
      let environment = ["KUBECONFIG": try folder.write(server.kubeconfig(), to: "kubeconfig")]
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          try await keepPodCount(
            in: "shop", as: "first", environment: environment, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        }
        try await eventually("two run") { count(server) == "2" }
        try server.put(pod("c", "Running"))
        try await eventually("three run") { count(server) == "3" }
        group.cancelAll()
      }
      let holder = server.get("leases.coordination.k8s.io", namespace: "shop", name: "pod-count")?["spec"]?["holderIdentity"]?.string
      #expect((holder ?? "").isEmpty || holder == "first")
    }
  }

  private func count(_ server: SimulatedAPIServer) -> String? {
    server.get("configmaps", namespace: "shop", name: "pod-count")?["data"]?["running"]?.string
  }

  private func pod(_ name: String, _ phase: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["name": .string(name), "namespace": "shop"],
      "spec": ["containers": [["name": "app", "image": "app"]]], "status": ["phase": .string(phase)],
    ]
  }

  @Test func `the document has the example`() throws {
    let here = URL(filePath: #filePath).deletingLastPathComponent()
    let example = try String(contentsOf: here.appending(path: "PodCount.swift"), encoding: .utf8)
    let document = try String(contentsOf: here.appending(path: "../../../docs/kubeclient.md"), encoding: .utf8)
    #expect(document.contains("```swift\n\(example)```\n"))
  }
}
