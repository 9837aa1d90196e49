import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport

/// The built controller with a simulated API server. Without TLS on its port, unless the arguments have `--listen-tls`.
struct RunningController {
  let url: String
  let address: OwnAddress
  let apiServer: SimulatedAPIServer
  let program: ExternalProgram
  let transport: HTTPTransport
  private let folder: TemporaryFolder
  private let arguments: [String]

  /// Starts both with these objects, runs the body and stops them.
  /// - Parameters:
  ///   - pod: the name of the controller's Pod.
  ///   - prepare: called with the API server before the controller starts.
  static func run(
    _ objects: [JSONValue], _ arguments: [String], pod: String? = nil, prepare: (SimulatedAPIServer) throws -> Void = { _ in },
    _ body: (RunningController) async throws -> Void
  ) async throws {
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true),
      logger: Logger(label: "api-server") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await apiServer.run() }
      _ = try await apiServer.waitUntilListening()
      try apiServer.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
      for object in objects { try apiServer.put(object) }
      try prepare(apiServer)
      let controller = try await RunningController(apiServer, arguments, pod: pod)
      defer { controller.program.stop() }
      try await body(controller)
      group.cancelAll()
    }
  }

  /// Starts another controller with the same API server, which the caller stops.
  func startAnother(pod: String) async throws -> RunningController {
    try await RunningController(apiServer, arguments, pod: pod)
  }

  private init(_ apiServer: SimulatedAPIServer, _ arguments: [String], pod: String?) async throws {
    let folder = try TemporaryFolder()
    let hasTLS = arguments.contains("--listen-tls")
    let kubeconfig = try folder.write(apiServer.kubeconfig(), to: "kubeconfig")
    let address = OwnAddress()
    let program = try ExternalProgram(
      try builtExecutable("rollcall"),
      [
        "controller", "--kubeconfig", kubeconfig, "--namespace", "rollcall", "--listen", "\(address)", "--grace", "0s",
        "--allow-loopback-targets", "--proxy-address", "\(address)",
      ] + (hasTLS ? [] : ["--listen-tls", "off"]) + arguments, environment: pod.map { ["POD_NAME": $0] } ?? [:],
      log: "\(folder.path)/controller.log")
    do {
      try await program.waitForPort(address)
    } catch {
      program.stop()
      throw error
    }
    self.address = address
    url = "\(hasTLS ? "https" : "http")://\(address)"
    self.apiServer = apiServer
    self.program = program
    self.folder = folder
    self.arguments = arguments
    transport = try HTTPTransport()
  }

  /// Writes the `ca.crt` by which clients verify the port, once the leader has made it.
  func authority(in folder: TemporaryFolder) async throws -> String {
    let secret = { self.apiServer.get("secrets", namespace: "rollcall", name: "rollcall-tls") }
    try await eventually("the leader has made the certificates") { secret() != nil }
    let text = secret()?["data"]?["ca.crt"]?.string.flatMap { Data(base64Encoded: $0) }.map { String(decoding: $0, as: UTF8.self) }
    return try folder.write(text ?? "", to: "ca.crt")
  }

  func get(_ path: String) async throws -> [UInt8] {
    guard program.isRunning else { throw CommandFailed(description: "the controller ended:\n\(program.output.suffix(4000))") }
    var request = HTTPRequest(url: url + path, deadline: .seconds(20))
    request.maximumBodyBytes = 64 << 20
    return try await transport.send(request).body
  }

  /// The first value in the controller's `/metrics` with this name and label text; 0 if there is none.
  func metric(_ name: String, where label: String = "") async throws -> Double {
    let line = String(decoding: try await get("/metrics"), as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix("\(name){") && $0.contains(label) || $0.hasPrefix("\(name) ") && label.isEmpty }
    return line?.split(separator: " ").last.flatMap { Double($0) } ?? 0
  }
}
