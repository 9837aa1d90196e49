import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport

/// The built controller before a simulated API server, with Windows nodes whose exporters are at addresses of this machine.
struct WindowsStage {
  static let frontend = String(repeating: "1a", count: 32)
  static let worker = String(repeating: "2b", count: 32)

  let url: String
  let transport: HTTPTransport
  let apiServer: SimulatedAPIServer
  private let program: ExternalProgram

  /// The value of the first such sample on the controller's `/metrics`; 0 where there is none.
  func metric(_ name: String, where label: String) async throws -> Double {
    guard program.isRunning else { throw CommandFailed(description: "the controller ended:\n\(program.output.suffix(4000))") }
    let response = try await transport.send(HTTPRequest(url: "\(url)/metrics", deadline: .seconds(10)))
    let line = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("\(name){") && $0.contains(label) }
    return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
  }

  /// Nodes `win-1` and so on at the addresses `network.1` and so on, each with the same two containers.
  static func run(
    network: String, exporterPort: Int, nodes: Int, _ body: (WindowsStage) async throws -> Void
  ) async throws {
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true),
      logger: Logger(label: "api-server") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await apiServer.run() }
      _ = try await apiServer.waitUntilListening()
      try apiServer.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      for number in 1...nodes {
        try apiServer.put(node("win-\(number)", address: "\(network).\(number)"))
        try apiServer.put(pod("frontend-0", "iis", on: "win-\(number)", id: "containerd://\(frontend)", number))
        try apiServer.put(pod("worker-0", "app", on: "win-\(number)", id: "docker://\(worker)", number))
      }
      let folder = try TemporaryFolder()
      let kubeconfig = try folder.write(apiServer.kubeconfig(), to: "kubeconfig")
      let port = try freePort()
      let program = try ExternalProgram(
        try builtExecutable("rollcall"),
        [
          "controller", "--kubeconfig", kubeconfig, "--namespace", "rollcall", "--listen", "127.0.0.1:\(port)", "--grace", "0s",
          // Rolls are not what is looked at here.
          "--interval", "1h", "--threshold", "1d", "--allow-loopback-targets", "--windows-port", "\(exporterPort)",
          "--service-monitors", "on", "--proxy-address", "127.0.0.1:\(port)",
        ], log: "\(folder.path)/controller.log")
      defer { program.stop() }
      try await program.waitForPort(port)
      try await body(
        WindowsStage(url: "http://127.0.0.1:\(port)", transport: HTTPTransport(), apiServer: apiServer, program: program))
      group.cancelAll()
    }
  }

  private static func node(_ name: String, address: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name)],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string(address)]], "nodeInfo": ["operatingSystem": "windows"],
        "conditions": [["type": "Ready", "status": "True"]],
      ],
    ]
  }

  /// The namespace tells the pods of one node from those of the next.
  private static func pod(_ name: String, _ container: String, on node: String, id: String, _ number: Int) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": ["namespace": .string("web-\(number)"), "name": .string(name)],
      "spec": ["nodeName": .string(node), "containers": [["name": .string(container), "image": "app"]]],
      "status": [
        "phase": "Running",
        "containerStatuses": [
          ["name": .string(container), "containerID": .string(id), "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]]]
        ],
      ],
    ]
  }
}
