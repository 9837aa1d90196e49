import HTTPTransport
import JSON
import Logging
import ServiceLifecycle
import ServiceLifecycleTestKit
import Simulator
import TestSupport

@testable import Controller

/// A whole controller on a free port, and a client of it.
struct RunningController {
  let controller: RollcallController
  let log: RecordedLog
  let port: Int
  let transport: HTTPTransport

  /// Runs the controller with short times against the API server of a kubeconfig while `body` runs.
  static func run(
    kubeconfig: String, leaderElection: String = "off", collectors: NodeCollectors? = nil, flags: [String: [String]] = [:],
    environment: [String: String] = [:], time: any TimeSource = SystemTime(), _ body: (RunningController) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    var given = [
      "kubeconfig": [try folder.write(kubeconfig, to: "kubeconfig")], "namespace": ["rollcall"], "listen": ["127.0.0.1:0"],
      "interval": ["100ms"], "threshold": ["1s"], "grace": ["0s"], "deadline": ["1s"], "leader-election": [leaderElection],
      "allow-loopback-targets": ["true"],
    ]
    for (name, values) in flags { given[name] = values }
    let log = RecordedLog()
    let controller = try RollcallController(
      settings: SettingsSources(flags: given).settings(), environment: environment, version: "test", time: time, collectors: collectors,
      logger: log.logger)
    try await whileServing(controller.server) { port in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await controller.relay.run() }
        let (ends, end) = AsyncStream.makeStream(of: GracefulShutdownTestTrigger.self)
        group.addTask {
          try await testGracefulShutdown { trigger in
            end.yield(trigger)
            try await controller.core.run()
          }
          end.finish()
        }
        var shutdown = ends.makeAsyncIterator()
        let trigger = await shutdown.next()
        try await body(RunningController(controller: controller, log: log, port: port, transport: HTTPTransport()))
        // As on SIGTERM: the archive is written and the Lease is released.
        trigger?.triggerGracefulShutdown()
        _ = await shutdown.next()
        group.cancelAll()
      }
    }
  }

  func request(_ path: String, headers: [HTTPHeader] = []) async throws -> HTTPResponse {
    try await transport.send(HTTPRequest(url: "http://127.0.0.1:\(port)\(path)", headers: headers, deadline: .seconds(60)))
  }

  func json(_ path: String) async throws -> JSONValue {
    try JSONValue(parsing: try await request(path).body)
  }

  /// The gaps in the API's response; `nil` if the status is not 200.
  func gaps() async throws -> [JSONValue]? {
    let response = try await request("/api/v1/gaps")
    return response.status == 200 ? try JSONValue(parsing: response.body)["gaps"]?.array : nil
  }
}

extension RunningController {
  /// The lines of every gauge at `/metrics`, without those of the process.
  func gauges() async throws -> Set<Substring> {
    let lines = String(decoding: try await request("/metrics").body, as: UTF8.self).split(separator: "\n")
    let names = Set(lines.filter { $0.hasPrefix("# TYPE ") && $0.hasSuffix(" gauge") }.map { $0.dropFirst(7).dropLast(6) })
    return Set(lines.filter { names.contains($0.prefix { $0 != "{" && $0 != " " }) && !$0.hasPrefix("process_") })
  }
}

/// Runs a simulated API server with a namespace of ours while `body` runs.
func withSimulator(at address: OwnAddress? = nil, _ body: (SimulatedAPIServer) async throws -> Void) async throws {
  let server = SimulatedAPIServer(
    configuration: SimulatorConfiguration(host: address?.host ?? "127.0.0.1", port: address?.port ?? 0, acceptsLoopbackEndpoints: true),
    logger: Logger(label: "simulator") { _ in SwiftLogNoOpLogHandler() })
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { try await server.run() }
    try await server.waitUntilListening()
    try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
    try await body(server)
    group.cancelAll()
  }
}

func nodeObject(_ name: String, address: String, os: String = "linux", labels: JSONValue = [:]) -> JSONValue {
  [
    "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(name), "labels": labels],
    "status": [
      "addresses": [["type": "InternalIP", "address": .string(address)]], "nodeInfo": ["operatingSystem": .string(os)],
      "conditions": [["type": "Ready", "status": "True"]],
    ],
  ]
}

func podObject(_ name: String, on node: String, id: String = "containerd://aaaa", ip: String = "10.1.0.1") -> JSONValue {
  [
    "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "default", "name": .string(name)],
    "spec": ["nodeName": .string(node), "containers": [["name": "app", "image": "app"]]],
    "status": [
      "phase": "Running", "podIP": .string(ip), "podIPs": [["ip": .string(ip)]],
      "containerStatuses": [
        ["name": "app", "containerID": .string(id), "state": ["running": ["startedAt": "2024-01-01T00:00:00Z"]]]
      ],
    ],
  ]
}
