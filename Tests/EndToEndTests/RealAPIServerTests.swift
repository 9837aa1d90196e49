import Foundation
import JSON
import TestSupport
import Testing
import YAML

/// What a real API server makes of chart and manifests. It needs an admin's kubeconfig (CONTRIBUTING.md) and the CRDs of Prometheus Operator.
/// The tests create and delete the namespaces rollcall and rollcall-agents. Rollcall must not be installed there.
@Suite(.ownThread, .serialized, .enabled(if: RealAPIServer.kubeconfig != nil, "\(RealAPIServer.variable) is not set"))
struct RealAPIServerTests {
  private let folder: TemporaryFolder
  private let server: RealAPIServer

  init() throws {
    folder = try TemporaryFolder()
    server = RealAPIServer(kubeconfig: try #require(RealAPIServer.kubeconfig))
  }

  /// What the server would keep, without what it adds to each object.
  private func kept(_ objects: [JSONValue]) throws -> [ChartTests.Identity: JSONValue] {
    // SecurityContextConstraints are OpenShift's.
    let objects = objects.filter { !["Namespace", "SecurityContextConstraints"].contains($0["kind"]?.string) }
    let applied = try server.apply(objects, in: folder, isDryRun: true)
    #expect(applied.count == objects.count)
    return try ChartTests.compared(
      applied.map { object in
        var object = object
        for member in ["uid", "resourceVersion", "creationTimestamp", "generation", "managedFields"] { object["metadata"]?[member] = nil }
        // An address that the server assigns.
        for member in ["clusterIP", "clusterIPs"] { object["spec"]?[member] = nil }
        return object
      })
  }

  private func withNamespaces(_ body: () throws -> Void) throws {
    let namespaces = try Kustomization.objects(components: ["agent-namespace"]).filter { $0["kind"] == "Namespace" }
    try #require(namespaces.count == 2)
    _ = try server.apply(namespaces, in: folder)
    defer { _ = try? server.run("delete", "namespace", "rollcall", "rollcall-agents", "--wait=true") }
    try body()
  }

  @Test func `R111: the API server keeps the same of the chart as of the manifests`() throws {
    try withNamespaces {
      for components in ChartTests.sets {
        let expected = try kept(Kustomization.objects(components: components))
        let actual = try kept(ChartTests.rendered(ChartTests.values(of: components)))
        #expect(Set(actual.keys) == Set(expected.keys), "\(components)")
        for (identity, object) in expected { #expect(actual[identity] == object, "\(components): \(identity)") }
      }
    }
  }

  @Test func `R109: Pod Security admission admits the agents in their namespace, and only the controllers in the other`() throws {
    let objects = try Kustomization.objects(components: ["agent-namespace"])
    func pod(_ kind: String, in namespace: String? = nil) throws -> JSONValue {
      let owner = try #require(objects.first { $0["kind"]?.string == kind })
      var spec = try #require(owner["spec"]?["template"]?["spec"])
      // There is one in every namespace.
      spec["serviceAccountName"] = "default"
      let namespace = try #require(namespace ?? owner["metadata"]?["namespace"]?.string)
      return ["apiVersion": "v1", "kind": "Pod", "metadata": ["name": "probe", "namespace": .string(namespace)], "spec": spec]
    }
    try withNamespaces {
      for namespace in ["rollcall", "rollcall-agents"] {
        _ = try server.apply(
          [["apiVersion": "v1", "kind": "ServiceAccount", "metadata": ["name": "default", "namespace": .string(namespace)]]], in: folder)
      }
      for kind in ["Deployment", "DaemonSet"] { _ = try server.apply([pod(kind)], in: folder, isDryRun: true) }
      let refusal = #expect(throws: CommandFailed.self) { try server.apply([pod("DaemonSet", in: "rollcall")], in: folder, isDryRun: true) }
      #expect(refusal?.description.contains("violates PodSecurity \"restricted:latest\"") == true)
    }
  }
}

/// An API server that the developer provides.
struct RealAPIServer {
  static let variable = "ROLLCALL_CONFORMANCE_KUBECONFIG"
  static let kubeconfig = ProcessInfo.processInfo.environment[variable]

  let kubeconfig: String

  @discardableResult
  func run(_ arguments: String...) throws -> String {
    try Shell.run(arguments: ["kubectl", "--kubeconfig", kubeconfig] + arguments)
  }

  /// - Returns: the objects as the server keeps them, or would keep them.
  func apply(_ objects: [JSONValue], in folder: TemporaryFolder, isDryRun: Bool = false) throws -> [JSONValue] {
    let list: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(objects)]
    let file = try folder.write(String(decoding: list.bytes, as: UTF8.self), to: "objects.json")
    let text = try run("apply", "--server-side", "--dry-run=\(isDryRun ? "server" : "none")", "-o", "json", "-f", file)
    let result = try JSONValue(parsing: Array(text.utf8))
    return result["items"]?.array ?? [result]
  }
}
