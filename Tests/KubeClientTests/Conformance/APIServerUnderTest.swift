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
  /// Our own, started for each test.
  case simulated
  /// One that runs already, by its kubeconfig.
  case real(kubeconfig: String)

  /// Names a kubeconfig whose user may do everything in a namespace of its own and with Nodes.
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

/// What a conformance test works with.
struct Bench: Sendable {
  let client: KubeClient
  /// Exists for this test alone; what is in it goes with the test.
  let namespace: String
  /// Makes the server forget its history; a real one has forgotten the beginning of its own when it is some minutes old.
  let forgetHistory: @Sendable () -> Void
  let isReal: Bool

  /// A name for an object without a namespace.
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

/// Runs `body` against the server, in a new namespace, and removes what it made.
func withBench(_ server: APIServerUnderTest, _ body: @escaping @Sendable (Bench) async throws -> Void) async throws {
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
  _ client: KubeClient, isReal: Bool, forgetHistory: @escaping @Sendable () -> Void, _ body: @Sendable (Bench) async throws -> Void
) async throws {
  let namespace = "rollcall-conformance-\(String(UInt32.random(in: 0...UInt32.max), radix: 36))"
  let bench = Bench(client: client, namespace: namespace, forgetHistory: forgetHistory, isReal: isReal)
  try await client.create(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace)]])
  do {
    try await body(bench)
  } catch {
    await cleanUp(bench)
    throw error
  }
  await cleanUp(bench)
}

/// Deletes each object, since only a controller empties a namespace that is deleted, and there may be none.
private func cleanUp(_ bench: Bench) async {
  do {
    for resource in [APIResource.configMaps, .pods, .leases, .events] {
      for object in try await bench.client.list(resource, bench.selection).items {
        // A controller's own ConfigMap comes back; that is the controller's business.
        try await bench.delete(resource, object["metadata"]?["name"]?.string ?? "")
      }
    }
    for node in try await bench.client.list(.nodes, Selection(fields: "metadata.name=\(bench.clusterWideName)")).items {
      try await bench.delete(.nodes, node["metadata"]?["name"]?.string ?? "")
    }
    try await bench.delete(.namespaces, bench.namespace)
  } catch {
    Issue.record("cleaning up after the test: \(error)")
  }
}

@Suite struct RealAPIServerTests {
  @Test(
    "the conformance suite runs against a real API server, too",
    .enabled(if: APIServerUnderTest.kubeconfig != nil, "\(APIServerUnderTest.variable) names no kubeconfig"))
  func isThere() async throws {
    let kubeconfig = try #require(APIServerUnderTest.kubeconfig)
    let configuration = try ClusterConfiguration.load(kubeconfig: kubeconfig, environment: [:])
    let client = try KubeClient(configuration: configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let version = try JSONValue(parsing: await client.send(APIRequest(method: "GET", path: "/version")).body)
    #expect(version["major"]?.string == "1")
  }
}
