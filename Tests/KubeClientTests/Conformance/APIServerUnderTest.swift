import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

@testable import KubeClient

/// An API server that the conformance suite runs against.
enum APIServerUnderTest: Sendable, CustomTestStringConvertible {
  /// The simulator, started for each test.
  case simulated
  /// A running API server.
  case real(kubeconfig: String)

  /// The path of a kubeconfig. Its user must have all permissions in a namespace of its own and on Nodes.
  static let variable = "ROLLCALL_CONFORMANCE_KUBECONFIG"

  static var kubeconfig: String? { ProcessInfo.processInfo.environment[variable].flatMap { $0.isEmpty ? nil : $0 } }
  static var all: [APIServerUnderTest] { [.simulated] + (kubeconfig.map { [.real(kubeconfig: $0)] } ?? []) }

  var testDescription: String {
    switch self {
    case .simulated: "simulator"
    case .real: "real API server"
    }
  }
}

/// The client and the namespace of one conformance test.
struct Fixture: Sendable {
  let client: KubeClient
  /// Exists only for this test.
  let namespace: String
  /// Compacts the server's history. A real server has compacted the start of its history after some minutes.
  let forgetHistory: @Sendable () -> Void
  let isReal: Bool

  /// A name for a cluster-scoped object.
  var clusterWideName: String { namespace }

  func configMap(_ name: String, _ value: String, labels: JSONValue? = nil) -> JSONValue {
    var metadata: JSONValue = ["namespace": .string(namespace), "name": .string(name)]
    if let labels { metadata["labels"] = labels }
    return ["apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": ["key": .string(value)]]
  }

  var selection: Selection { Selection(namespace: namespace) }

  func delete(_ resource: APIResource, _ name: String) async throws {
    try await client.delete(resource, name: name, namespace: resource.namespaced ? namespace : nil)
  }
}

/// Runs `body` in a new namespace of the server, and cleans up.
func withFixture(_ server: APIServerUnderTest, _ body: @escaping @Sendable (Fixture) async throws -> Void) async throws {
  switch server {
  case .simulated:
    try await withSimulator { server, client in
      try await withNamespace(client, isReal: false, forgetHistory: { server.compact() }, body)
    }
  case .real(let kubeconfig):
    let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, environment: [:])
    let client = try KubeClient(configuration: configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    try await withNamespace(client, isReal: true, forgetHistory: {}, body)
  }
}

private func withNamespace(
  _ client: KubeClient, isReal: Bool, forgetHistory: @escaping @Sendable () -> Void, _ body: @Sendable (Fixture) async throws -> Void
) async throws {
  let namespace = "rollcall-conformance-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
  let fixture = Fixture(client: client, namespace: namespace, forgetHistory: forgetHistory, isReal: isReal)
  try await client.create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]])
  do {
    try await body(fixture)
  } catch {
    await cleanUp(fixture)
    throw error
  }
  await cleanUp(fixture)
}

/// Deletes objects one by one: only a controller deletes the content of a namespace, and there may be none.
private func cleanUp(_ fixture: Fixture) async {
  do {
    for resource in [APIResource.configMaps, .pods, .leases, .events] {
      for object in try await fixture.client.list(resource, fixture.selection).items {
        // A ConfigMap that a controller owns is created again; that does not matter here.
        try await fixture.delete(resource, object["metadata"]?["name"]?.string ?? "")
      }
    }
    for node in try await fixture.client.list(.nodes, Selection(fields: "metadata.name=\(fixture.clusterWideName)")).items {
      try await fixture.delete(.nodes, node["metadata"]?["name"]?.string ?? "")
    }
    try await fixture.delete(.namespaces, fixture.namespace)
  } catch {
    Issue.record("cleaning up after the test: \(error)")
  }
}

@Suite struct RealAPIServerTests {
  @Test(
    .enabled(if: APIServerUnderTest.kubeconfig != nil, "\(APIServerUnderTest.variable) names no kubeconfig"))
  func `the real API server responds`() async throws {
    let kubeconfig = try #require(APIServerUnderTest.kubeconfig)
    let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, environment: [:])
    let client = try KubeClient(configuration: configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let version = try JSONValue(parsing: await client.send(APIRequest(method: "GET", path: "/version")).body)
    #expect(version["major"]?.string == "1")
  }
}
