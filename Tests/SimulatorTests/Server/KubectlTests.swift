import Foundation
import JSON
import TestSupport
import Testing

@testable import Simulator

/// The real `kubectl` with the simulated server: its output and exit status.
@Suite(.timeLimit(.minutes(5)), .enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
struct KubectlTests {
  private func withKubectl(_ body: (SimulatedAPIServer, Kubectl) async throws -> Void) async throws {
    try await withServer { server, _ in
      try server.put(Sample.node("node-1"))
      try server.put(Sample.pod("web-1"))
      try server.put(Sample.slice("web-abcde", addresses: ["10.0.0.7"]))
      try await body(server, try Kubectl(kubeconfig: server.kubeconfig()))
    }
  }

  @Test func `kubectl get prints the tables of a real cluster`() async throws {
    try await withKubectl { server, kubectl in
      let nodes = try await kubectl("get", "nodes", "-o", "wide").lines
      #expect(nodes[0].starts(with: ["NAME", "STATUS", "ROLES", "AGE", "VERSION", "INTERNAL-IP"]))
      #expect(nodes[1].starts(with: ["node-1", "Ready", "control-plane"]))
      let pods = try await kubectl("get", "pods", "-A").lines
      #expect(pods[0] == ["NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"])
      #expect(pods[1].starts(with: ["default", "web-1", "1/1", "Running", "3"]))
      let slices = try await kubectl("get", "endpointslices").lines
      #expect(slices[1].starts(with: ["web-abcde", "IPv4", "80", "10.0.0.7"]))
      try server.put([
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": ["name": "db", "namespace": "default"],
        "spec": ["replicas": 2, "template": ["spec": ["containers": [["name": "db", "image": "postgres"]]]]],
        "status": ["readyReplicas": 1],
      ])
      let statefulSets = try await kubectl("get", "statefulsets", "-o", "wide").lines
      #expect(statefulSets[0] == ["NAME", "READY", "AGE", "CONTAINERS", "IMAGES"])
      #expect(statefulSets[1].starts(with: ["db", "1/2"]) && statefulSets[1].suffix(2) == ["db", "postgres"])
      let resources = try await kubectl("api-resources").output
      for kind in ResourceTable.all { #expect(resources.contains(kind.plural)) }
    }
  }

  @Test func `kubectl describe`() async throws {
    try await withKubectl { server, kubectl in
      let node = try await kubectl("describe", "node", "node-1").output
      #expect(node.contains("InternalIP:  10.1.1.1") && node.contains("web-1"))
      let uid = try #require(server.get("pods", namespace: "default", name: "web-1")?.uid)
      try server.put([
        "apiVersion": "v1", "kind": "Event", "metadata": ["name": "web-1.1", "namespace": "default"], "reason": "Unscraped",
        "message": "nobody asked", "type": "Warning",
        "involvedObject": ["kind": "Pod", "namespace": "default", "name": "web-1", "uid": .string(uid)],
      ])
      let pod = try await kubectl("describe", "pod", "web-1").output
      #expect(pod.contains("containerd://abc") && pod.contains("nobody asked"))
    }
  }

  @Test func `kubectl apply twice, then delete`() async throws {
    try await withKubectl { server, kubectl in
      let manifest = """
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec: {selector: {app: web}, ports: [{name: http, port: 80}]}
        ---
        apiVersion: monitoring.coreos.com/v1
        kind: ServiceMonitor
        metadata: {name: web}
        spec: {selector: {matchLabels: {app: web}}, endpoints: [{port: http}]}
        """
      let file = try kubectl.file(manifest)
      let monitor = "servicemonitor.monitoring.coreos.com/web"
      #expect(try await kubectl("apply", "-f", file).output == "service/web created\n\(monitor) created\n")
      #expect(try await kubectl("apply", "-f", file).output == "service/web unchanged\n\(monitor) unchanged\n")
      let changed = try kubectl.file(manifest.replacing("port: 80", with: "port: 81"))
      #expect(try await kubectl("apply", "-f", changed).output == "service/web configured\n\(monitor) unchanged\n")
      #expect(server.get("services", namespace: "default", name: "web")?["spec"]?["ports"]?.array?.compactMap { $0["port"] } == [81])
      _ = try await kubectl("delete", "-f", changed)
      #expect(server.get("services", namespace: "default", name: "web") == nil)
    }
  }

  @Test func `kubectl apply --server-side reports conflicts`() async throws {
    try await withKubectl { _, kubectl in
      func file(_ value: String) throws -> String { try kubectl.file(Sample.configMap("c", data: ["x": .string(value)]).prettyText) }
      #expect(try await kubectl("apply", "--server-side", "-f", file("1")).output == "configmap/c serverside-applied\n")
      let conflict = try await kubectl(fails: true, "apply", "--server-side", "--field-manager=other", "-f", file("2"))
      // Empty labels have an owner, too.
      #expect(conflict.output.contains("conflicts with \"kubectl\":\n- .data.x\n- .metadata.labels\n"))
      _ = try await kubectl("apply", "--server-side", "--field-manager=other", "--force-conflicts", "-f", file("2"))
    }
  }

  /// kubectl takes over the fields with a JSON patch.
  @Test func `kubectl apply --server-side takes over fields of a client-side apply`() async throws {
    try await withKubectl { _, kubectl in
      func file(_ value: String) throws -> String { try kubectl.file(Sample.configMap("c", data: ["x": .string(value)]).prettyText) }
      _ = try await kubectl("apply", "-f", file("1"))
      #expect(try await kubectl("apply", "--server-side", "-f", file("1")).output == "configmap/c serverside-applied\n")
      #expect(try await kubectl("apply", "--server-side", "-f", file("2")).output == "configmap/c serverside-applied\n")
    }
  }

  @Test func `kubectl get --watch`() async throws {
    try await withKubectl { server, kubectl in
      let watching = try ExternalProgram(
        "kubectl", ["get", "pods", "-w", "--no-headers"], environment: kubectl.environment, log: kubectl.folder.path + "/watch.log")
      defer { watching.stop() }
      _ = try await watching.waitForLine(containing: "web-1")
      try server.put(Sample.pod("web-2"))
      _ = try await watching.waitForLine(containing: "web-2")
      #expect(watching.isRunning)
    }
  }

  @Test func `kubectl create and delete a namespace`() async throws {
    try await withKubectl { server, kubectl in
      #expect(try await kubectl("create", "namespace", "new").output == "namespace/new created\n")
      _ = try await kubectl("create", "secret", "generic", "s", "-n", "new", "--from-literal=a=b")
      #expect(server.get("secrets", namespace: "new", name: "s")?["data"] == ["a": "Yg=="])
      _ = try await kubectl("delete", "namespace", "new")
      #expect(server.get("secrets", namespace: "new", name: "s") == nil)
    }
  }
}

/// Runs `kubectl` with its own kubeconfig.
private struct Kubectl {
  struct Result {
    var output: String
    var lines: [[String]] { output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) } }
  }

  let folder: TemporaryFolder

  init(kubeconfig: String) throws {
    folder = try TemporaryFolder()
    try Data(kubeconfig.utf8).write(to: URL(fileURLWithPath: folder.path + "/config"))
  }

  var environment: [String: String] { ["KUBECONFIG": folder.path + "/config", "HOME": folder.path] }

  /// Writes a file and returns its path.
  func file(_ text: String) throws -> String {
    let path = "\(folder.path)/\(UUID().uuidString).yaml"
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  /// Expects success, or failure with `fails`.
  func callAsFunction(fails: Bool = false, _ arguments: String...) async throws -> Result {
    let program = try ExternalProgram(
      "kubectl", arguments, environment: environment, log: "\(folder.path)/\(UUID().uuidString).log")
    defer { program.stop() }
    let status = try await program.waitForExit()
    #expect((status != 0) == fails, "kubectl \(arguments.joined(separator: " ")): \(program.output)")
    return Result(output: program.output)
  }
}
