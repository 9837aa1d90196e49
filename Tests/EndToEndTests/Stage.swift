import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// Everything around the containers: the simulated API server, the built `rollcall controller` and `rollcall-agent`, Prometheus and
/// Alertmanager. The agent's node is at an address of its own in 127.0.0.0/8.
final class Stage {
  static let node = "worker-1"
  private static let nodeAddress = "127.0.0.11"
  private static let namespace = "rollcall"

  let prometheus: Prometheus
  let alertmanager: Alertmanager
  private let folder: TemporaryFolder
  private let transport: HTTPTransport
  private let apiServer: SimulatedAPIServer
  private let apiServerTask: Task<Void, any Error>
  private let controller: ExternalProgram
  private let controllerURL: String
  private let agentPorts: (metrics: Int, roll: Int)
  private var agent: ExternalProgram?

  init() async throws {
    folder = try TemporaryFolder()
    transport = try HTTPTransport()
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true), logger: Logger(label: "api-server"))
    self.apiServer = apiServer
    apiServerTask = Task { try await apiServer.run() }
    _ = try await apiServer.waitUntilListening()
    try apiServer.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(Self.namespace)]])
    try apiServer.put([
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(Self.node), "labels": ["kubernetes.io/os": "linux"]],
      "status": [
        "addresses": [["type": "InternalIP", "address": .string(Self.nodeAddress)]],
        "conditions": [["type": "Ready", "status": "True"]],
        "nodeInfo": ["operatingSystem": "linux"],
      ],
    ])
    try apiServer.kubeconfig().write(toFile: "\(folder.path)/kubeconfig", atomically: true, encoding: .utf8)

    alertmanager = try await Alertmanager(folder: folder, transport: transport)
    let port = try freePort()
    agentPorts = (try freePort(host: Self.nodeAddress), try freePort(host: Self.nodeAddress))
    controllerURL = "http://127.0.0.1:\(port)"
    controller = try ExternalProgram(
      try builtExecutable("rollcall"),
      [
        "controller", "--kubeconfig", "\(folder.path)/kubeconfig", "--namespace", Self.namespace, "--listen", "127.0.0.1:\(port)",
        "--interval", "1s", "--threshold", "5s", "--grace", "1s", "--allow-loopback-targets",
        "--agent-metrics-port", "\(agentPorts.metrics)", "--agent-roll-port", "\(agentPorts.roll)",
        "--alertmanager-url", alertmanager.url,
      ], log: "\(folder.path)/controller.log")
    prometheus = try await Prometheus(discovery: "\(controllerURL)/sd/v1/targets", folder: folder, transport: transport)
    try await controller.waitForPort(port)
    try await mountCertificates()
    try startAgent()
  }

  /// What the kubelet does for the DaemonSet: the Secret's items as files.
  private func mountCertificates() async throws {
    try FileManager.default.createDirectory(atPath: "\(folder.path)/tls", withIntermediateDirectories: true)
    try await eventually("the leader has made the certificates") { [apiServer] in
      apiServer.get("secrets", namespace: Self.namespace, name: "rollcall-tls") != nil
    }
    let secret = apiServer.get("secrets", namespace: Self.namespace, name: "rollcall-tls")
    for (item, file) in [("ca.crt", "ca.crt"), ("agent.crt", "tls.crt"), ("agent.key", "tls.key")] {
      let data = try #require(secret?["data"]?[item]?.string.flatMap { Data(base64Encoded: $0) })
      try data.write(to: URL(filePath: "\(folder.path)/tls/\(file)"))
    }
  }

  func put(_ object: JSONValue) throws {
    try apiServer.put(object)
  }

  func startAgent() throws {
    agent = try ExternalProgram(
      try builtExecutable("rollcall-agent"),
      [
        "--node", Self.node, "--listen", "\(Self.nodeAddress):\(agentPorts.metrics)",
        "--roll-listen", "\(Self.nodeAddress):\(agentPorts.roll)", "--tls-dir", "\(folder.path)/tls",
        "--filesystem-interval", "1s",
      ], log: "\(folder.path)/agent.log")
  }

  func killAgent() {
    agent?.send(signal: SIGKILL)
  }

  /// The open gaps, as `/api/v1/gaps` has them.
  func gaps() async throws -> [JSONValue] {
    let response = try await transport.send(
      HTTPRequest(url: "\(controllerURL)/api/v1/gaps", deadline: .seconds(10)))
    return try JSONValue(parsing: response.body)["gaps"]?.array ?? []
  }

  /// The value of the first sample on the controller's `/metrics` with this name and with this text in its labels.
  func metric(_ name: String, where label: String) async throws -> Double? {
    let response = try await transport.send(
      HTTPRequest(url: "\(controllerURL)/metrics", deadline: .seconds(10)))
    let line = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("\(name){") && $0.contains(label) }
    return line?.split(separator: " ").last.flatMap { Double($0) }
  }

  /// Waits as `TestSupport.eventually` does, and fails at once where one of the programs has ended.
  func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    try await TestSupport.eventually(what, within: .seconds(60)) {
      guard controller.isRunning else {
        throw CommandFailed(description: "the controller ended:\n\(controller.output.suffix(4000))")
      }
      return try await condition()
    }
  }

  func stop(printingLogs: Bool) async {
    agent?.stop()
    controller.stop()
    prometheus.program.stop()
    alertmanager.program.stop()
    if printingLogs {
      for program in [controller, agent].compactMap({ $0 }) { print("\(program.logPath):\n\(program.output.suffix(6000))") }
    }
    apiServerTask.cancel()
    _ = try? await apiServerTask.value
  }
}
