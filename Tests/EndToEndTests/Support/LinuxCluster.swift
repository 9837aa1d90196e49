import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// A cluster with one Linux node: a simulated API server, the built `rollcall controller` and `rollcall-agent`, Prometheus and
/// Alertmanager. The node has its own address in 127.0.0.0/8.
final class LinuxCluster {
  static let node = "worker-1"
  private static let namespace = "rollcall"

  let prometheus: Prometheus
  let alertmanager: Alertmanager
  /// A stand-in for an Open-Falcon agent, which Debian does not package; it records the pushed metrics.
  private let openFalcon: ScriptedServer
  private let folder: TemporaryFolder
  private let transport: HTTPTransport
  private let apiServer: SimulatedAPIServer
  private let apiServerTask: Task<Void, any Error>
  private var controller: ExternalProgram
  private let controllerArguments: [String]
  private var isControllerWanted = true
  private let controllerAddress = OwnAddress()
  private var controllerURL: String { "http://\(controllerAddress)" }
  private let agentAddress = OwnAddress(port: 9753)
  private let agentRollPort = 9754
  private var agent: ExternalProgram?
  private let agentArguments: [String]

  /// Starts the cluster and containerd, runs the body and stops everything. If the body throws, it prints the end of the programs' logs.
  static func withCluster(agentArguments: [String] = [], _ body: (LinuxCluster, Containerd) async throws -> Void) async throws {
    let containerd = try await Containerd()
    let cluster = try await LinuxCluster(agentArguments: agentArguments)
    do {
      try await body(cluster, containerd)
    } catch {
      await containerd.stop()
      await cluster.stop(printingLogs: true)
      throw error
    }
    await containerd.stop()
    await cluster.stop(printingLogs: false)
  }

  private init(agentArguments: [String]) async throws {
    self.agentArguments = agentArguments
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
        "addresses": [["type": "InternalIP", "address": .string(agentAddress.host)]],
        "conditions": [["type": "Ready", "status": "True"]],
        "nodeInfo": ["operatingSystem": "linux"],
      ],
    ])
    try apiServer.kubeconfig().write(toFile: "\(folder.path)/kubeconfig", atomically: true, encoding: .utf8)

    alertmanager = try await Alertmanager(folder: folder, transport: transport)
    openFalcon = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: "success") }
    }
    controllerArguments = [
      "controller", "--kubeconfig", "\(folder.path)/kubeconfig", "--namespace", Self.namespace, "--listen", "\(controllerAddress)",
      "--interval", "1s", "--threshold", "10s", "--grace", "1s", "--allow-loopback-targets", "--listen-tls", "off",
      "--container-metrics", "all", "--agent-metrics-port", "\(agentAddress.port)", "--agent-roll-port", "\(agentRollPort)",
      "--alertmanager-url", alertmanager.url, "--open-falcon-url", "\(openFalcon.url)/v1/push", "--push-send-deadline", "100ms",
    ]
    controller = try ExternalProgram(try builtExecutable("rollcall"), controllerArguments, log: "\(folder.path)/controller.log")
    prometheus = try await Prometheus(discovery: "http://\(controllerAddress)/sd/v1/targets", folder: folder, transport: transport)
    try await controller.waitForPort(controllerAddress)
    try await mountCertificates()
    try startAgent()
  }

  /// Writes the items of the Secret to files, as the kubelet does for the DaemonSet.
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

  /// The data of the Secrets of certificates, by name.
  func secrets() -> [String: JSONValue] {
    ["rollcall-tls", "rollcall-authority"].reduce(into: [:]) {
      $0[$1] = apiServer.get("secrets", namespace: Self.namespace, name: $1)?["data"]
    }
  }

  /// Puts all certificates and keys into the agents' Secret, as versions before the second one did.
  func mergeSecrets() throws {
    var merged = try #require(apiServer.get("secrets", namespace: Self.namespace, name: "rollcall-tls"))
    for (key, value) in secrets()["rollcall-authority"]?.object ?? [:] { merged["data"]?[key] = value }
    try apiServer.remove("secrets", namespace: Self.namespace, name: "rollcall-authority")
    try apiServer.remove("secrets", namespace: Self.namespace, name: "rollcall-tls")
    try apiServer.put([
      "apiVersion": "v1", "kind": "Secret",
      "metadata": [
        "namespace": .string(Self.namespace), "name": "rollcall-tls",
        // They say that the Secret is the controller's and not a user's.
        "labels": merged["metadata"]?["labels"] ?? [:],
      ],
      "type": merged["type"] ?? "Opaque", "data": merged["data"] ?? [:],
    ])
  }

  func startAgent() throws {
    agent = try ExternalProgram(
      try builtExecutable("rollcall-agent"),
      [
        "--node", Self.node, "--listen", "\(agentAddress)",
        "--roll-listen", "\(agentAddress.host):\(agentRollPort)", "--tls-dir", "\(folder.path)/tls",
        "--filesystem-interval", "1s",
      ] + agentArguments, log: "\(folder.path)/agent.log")
  }

  func killAgent() {
    agent?.send(signal: SIGKILL)
  }

  func agentMetrics() async throws -> ScrapedMetrics {
    let url = "http://\(agentAddress)/metrics"
    return try ScrapedMetrics(await transport.send(HTTPRequest(url: url, deadline: .seconds(10))).body)
  }

  /// Kills the controller, which then does not release its lease.
  func killController() {
    isControllerWanted = false
    controller.send(signal: SIGKILL)
    controller.stop()
  }

  func startController() async throws {
    controller = try ExternalProgram(
      try builtExecutable("rollcall"), controllerArguments, log: "\(folder.path)/next-controller.log")
    isControllerWanted = true
    try await controller.waitForPort(controllerAddress)
  }

  /// The open gaps of `/api/v1/gaps`.
  func gaps() async throws -> [JSONValue] {
    let response = try await transport.send(
      HTTPRequest(url: "\(controllerURL)/api/v1/gaps", deadline: .seconds(10)))
    return try JSONValue(parsing: response.body)["gaps"]?.array ?? []
  }

  /// The first value in the controller's `/metrics` with this name and label text.
  func metric(_ name: String, where label: String? = nil) async throws -> Double? {
    let response = try await transport.send(
      HTTPRequest(url: "\(controllerURL)/metrics", deadline: .seconds(10)))
    let line = String(decoding: response.body, as: UTF8.self).split(separator: "\n")
      .first { ($0.hasPrefix("\(name){") || $0.hasPrefix("\(name) ")) && (label.map($0.contains) ?? true) }
    return line?.split(separator: " ").last.flatMap { Double($0) }
  }

  /// The newest values pushed to Open-Falcon for a pod, by metric.
  func pushedSockets(ofPod pod: String) throws -> [String: Double] {
    var values: [String: Double] = [:]
    for request in openFalcon.requests {
      for item in try JSONValue(parsing: request.body).array ?? []
      where item["endpoint"]?.string == Self.node && item["tags"]?.string?.split(separator: ",").contains("pod=\(pod)") == true {
        if let metric = item["metric"]?.string, let value = item["value"]?.number { values[metric] = value }
      }
    }
    return values
  }

  /// `TestSupport.eventually`, except that it fails at once if the controller has exited.
  func eventually(_ what: String, _ condition: () async throws -> Bool) async throws {
    try await TestSupport.eventually(what) {
      guard controller.isRunning || !isControllerWanted else {
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
