import Foundation
import JSON
import Simulator
import Synchronization
import TestSupport
import Testing
import YAML

/// The commands that ask a running controller.
@Suite(.timeLimit(.minutes(5)))
struct QueryTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// A node without an agent.
  private static let objects: [JSONValue] = [
    [
      "apiVersion": "v1", "kind": "Node", "metadata": ["name": "worker-1", "labels": ["kubernetes.io/os": "linux"]],
      "status": [
        "addresses": [["type": "InternalIP", "address": "127.0.78.1"]], "conditions": [["type": "Ready", "status": "True"]],
        "nodeInfo": ["operatingSystem": "linux"],
      ],
    ],
    [
      "apiVersion": "v1", "kind": "Pod", "metadata": ["namespace": "shop", "name": "web-0"],
      "spec": ["nodeName": "worker-1", "containers": [["name": "app", "image": "app"]]],
      "status": [
        "phase": "Running",
        "containerStatuses": [
          [
            "name": "app", "containerID": .string("containerd://\(String(repeating: "ab", count: 32))"),
            "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
          ]
        ],
      ],
    ],
  ]

  private static let quickly = ["--interval", "1s", "--threshold", "2s"]

  /// Runs `rollcall`, without any kubeconfig unless an argument names one.
  private func ask(_ arguments: [String], path: String? = nil) async throws -> (status: Int32, output: String) {
    let program = try start(arguments, path: path)
    return (try await program.waitForExit(), program.output)
  }

  private func start(_ arguments: [String], path: String? = nil) throws -> ExternalProgram {
    var environment = ["KUBECONFIG": "\(folder.path)/none", "HOME": folder.path]
    if let path { environment["PATH"] = "\(path):\(ProcessInfo.processInfo.environment["PATH"] ?? "")" }
    return try ExternalProgram(try builtExecutable("rollcall"), arguments, environment: environment, log: "\(folder.path)/\(UUID())")
  }

  private func waitForGap(_ controller: RunningController) async throws {
    try await eventually("the container has a gap") {
      try JSONValue(parsing: try await controller.get("/api/v1/gaps"))["gaps"]?.array?.isEmpty == false
    }
  }

  @Test func `R119: lists say what there is, and the exit status what was found`() async throws {
    try await RunningController.run(Self.objects, Self.quickly) { controller in
      try await waitForGap(controller)
      let server = ["--server", controller.url]

      let gaps = try await ask(["gaps", "-A"] + server)
      #expect(gaps.status == 1)
      #expect(gaps.output.hasPrefix("NAMESPACE  POD    CONTAINER  KIND         REASON            AGE\n"), "\(gaps.output)")
      #expect(gaps.output.contains("shop       web-0  app        uncollected  AgentUnreachable  "), "\(gaps.output)")
      #expect(try await ask(["gaps", "-n", "shop", "-o", "name"] + server) == (1, "pod/web-0\n"))
      #expect(try await ask(["gaps"] + server) == (0, "No gaps in namespace default; -A lists all namespaces.\n"))

      let nodes = try await ask(["nodes", "-o", "json"] + server)
      #expect(nodes.status == 1)
      #expect(try JSONValue(parsing: Array(nodes.output.utf8))["nodes"]?[0]?["name"] == "worker-1")
      #expect(try await ask(["nodes", "-o", "name"] + server) == (1, "node/worker-1\n"))
      let coverage = try await ask(["coverage", "-o", "yaml"] + server)
      #expect(coverage.status == 1)
      #expect(try YAMLNode(parsing: coverage.output.utf8, file: "output").jsonValue["total"]?["gaps"] == 1)
      let targets = try await ask(["targets"] + server)
      // The controller's own address decides how wide the column is.
      #expect(targets.status == 0 && targets.output.contains(/\n127\.0\.78\.1:9753 +linux +worker-1\n/), "\(targets.output)")
    }
  }

  @Test func `R119: a question that cannot be asked has status 2 and says why`() async throws {
    let closed = try ClosedPort()
    let away = try await ask(["gaps", "--server", "http://127.0.0.1:\(closed.number)"])
    #expect(away.status == 2)
    #expect(
      away.output.hasPrefix("rollcall gaps: cannot ask the controller: ") && away.output.contains("\(closed.number)"), "\(away.output)")

    let other = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target.hasPrefix("/old") {
          try connection.respond(status: 404, body: "Not found. See / for the status page.\n")
        } else {
          try connection.respond(status: 200, body: "<html></html>")
        }
      }
    }
    let html = try await ask(["nodes", "--server", other.url])
    #expect(html.status == 2 && html.output.hasSuffix("/api/v1/nodes is not JSON: is this the URL of a controller?\n"), "\(html.output)")
    let old = try await ask(["nodes", "--server", "\(other.url)/old"])
    #expect(old.status == 2 && old.output.contains("older than this command"), "\(old.output)")

    let token = try folder.write("secret", to: "token")
    let clear = try await ask(["gaps", "--server", other.url, "--token-file", token])
    #expect(clear.status == 2 && clear.output.contains("the token is not sent over plain http"), "\(clear.output)")
    #expect(try await ask(["gaps", "--server", "127.0.0.1:9750"]).output.contains("write it as https://HOST:PORT"))
    #expect(try await ask(["gaps", "-o", "xml"]).status == 64)
    #expect(try await ask(["explain", "deployment/web"]).status == 64)
  }

  /// Runs a shell command on a terminal of this many columns.
  private func onTerminal(columns: Int, _ arguments: [String], environment: [String: String] = [:]) async throws -> String {
    let command = "stty cols \(columns); exec \(try builtExecutable("rollcall")) \(arguments.joined(separator: " "))"
    var environment = environment
    environment["HOME"] = folder.path
    environment["TERM"] = environment["TERM"] ?? "xterm"
    let program = try ExternalProgram(
      "script", ["--quiet", "--return", "--command", command, "/dev/null"], environment: environment, log: "\(folder.path)/\(UUID())")
    _ = try await program.waitForExit()
    return program.output.replacing("\r\n", with: "\n")
  }

  @Test(.enabled(if: findProgram("script") != nil, "script is not installed"))
  func `R136: a terminal gets colors and lines that fit, unless NO_COLOR or TERM say otherwise`() async throws {
    try await RunningController.run(Self.objects, Self.quickly) { controller in
      try await waitForGap(controller)
      let arguments = ["gaps", "-A", "--server", controller.url]
      let wide = try await onTerminal(columns: 120, arguments)
      #expect(wide.contains("NAMESPACE  POD ") && wide.contains("\u{1b}[31mAgentUnreachable\u{1b}[0m"), "\(wide)")
      let narrow = try await onTerminal(columns: 40, arguments, environment: ["NO_COLOR": "1"])
      #expect(narrow.contains("NAMESPACE  shop\nPOD        web-0\n") && narrow.contains("REASON     AgentUnreachable\n"), "\(narrow)")
      #expect(try await !onTerminal(columns: 120, arguments, environment: ["TERM": "dumb"]).contains("\u{1b}"))
    }
  }

  @Test func `R136: with watch each new answer is printed, and a controller that is away is asked again`() async throws {
    let closed = try ClosedPort()
    #expect(try await ask(["gaps", "-A", "--watch", "--server", "http://127.0.0.1:\(closed.number)"]).status == 2, "the first question")

    let bodies = [#"{"gaps":[]}"#, #"{"gaps":[{"namespace":"shop","pod":"web-0","ageSeconds":1}]}"#]
    let count = Mutex(0)
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        let number = count.withLock { count in
          defer { count += 1 }
          return count
        }
        switch number {
        case 1: try connection.respond(status: 503, body: #"{"error":"this replica does not lead"}"#)
        default: try connection.respond(status: 200, body: bodies[min(number, 1)])
        }
      }
    }
    let program = try start(["gaps", "-A", "-o", "name", "--watch", "--server", server.url])
    _ = try await program.waitForLine(containing: "this replica does not lead; asking again")
    _ = try await program.waitForLine(containing: "pod/web-0")
    #expect(program.isRunning)
    program.send(signal: SIGINT)
    #expect(try await program.waitForExit() != 0)
  }

  @Test func `R136: a user without rights is told which are needed`() async throws {
    try await RunningController.run([], ["--listen-tls", "on", "--trust-loopback", "off"]) { controller in
      controller.apiServer.setToken("nobody", SimulatedToken(user: "joe"))
      let token = try folder.write("nobody\n", to: "token")
      let server = ["gaps", "-A", "--server", controller.url, "--ca-file", try await controller.authority(in: folder)]
      try await eventually("the port has its certificate") {
        let forbidden = try await ask(server + ["--token-file", token])
        return forbidden.status == 2 && forbidden.output.contains("the ClusterRole rollcall-viewer")
      }
      let unknown = try await ask(server)
      #expect(unknown.status == 2 && unknown.output.contains("--token-file, or leave out --server"), "\(unknown.output)")
    }
  }

  @Test func `R119: over TLS a token lets in, of a file or of the kubeconfig`() async throws {
    var roles = try YAMLNode.documents(parsing: Repository.text("manifests/default/access.yaml").utf8, file: "access.yaml").map(\.jsonValue)
    roles.append([
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "viewers"],
      "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "rollcall-viewer"],
      "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"]],
    ])
    try await RunningController.run(roles, ["--listen-tls", "on", "--trust-loopback", "off"]) { controller in
      controller.apiServer.setToken("viewer", SimulatedToken(user: "jane"))
      let server = ["gaps", "-A", "--server", controller.url, "--ca-file", try await controller.authority(in: folder)]
      let token = try folder.write("viewer\n", to: "token")
      try await eventually("the controller answers") { try await ask(server + ["--token-file", token]) == (0, "No gaps.\n") }

      let kubeconfig = try folder.write(
        """
        {"clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}], "users": [{"name": "u", "user": {"token": "viewer"}}],
         "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
        """, to: "kubeconfig")
      #expect(try await ask(server + ["--kubeconfig", kubeconfig]) == (0, "No gaps.\n"))
      let stranger = try await ask(server)
      #expect(stranger.status == 2 && stranger.output.contains("status 401"), "\(stranger.output)")
      let wrong = try await ask(["gaps", "-A", "--server", controller.url, "--token-file", token])
      #expect(wrong.status == 2 && wrong.output.contains("certificate"), "an authority that the system does not know: \(wrong.output)")
    }
  }

  // MARK: Port forwards

  /// A folder with a `kubectl` that is the real one, except that its port forward leads to this address: there is no kubelet.
  private func kubectl(forwardingTo address: String) throws -> String {
    let real = try requireProgram("kubectl", package: "kubernetes-client")
    try FileManager.default.createDirectory(atPath: "\(folder.path)/bin", withIntermediateDirectories: true)
    let script = try folder.write(
      """
      #!/bin/sh
      case "$*" in
      *port-forward*)
        echo "$*" >"\(folder.path)/arguments"
        echo $$ >"\(folder.path)/pid"
        echo "Forwarding from \(address) -> 9750"
        exec sleep 1000;;
      *) exec \(real) "$@";;
      esac

      """, to: "bin/kubectl")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    return "\(folder.path)/bin"
  }

  private var forward: pid_t {
    get throws {
      try #require(pid_t(String(contentsOfFile: "\(folder.path)/pid", encoding: .utf8).trimmingCharacters(in: .whitespacesAndNewlines)))
    }
  }

  @Test(.enabled(if: findProgram("kubectl") != nil, "kubectl is not installed"))
  func `R119: kubectl forwards a port to the leader, and ends with the command`() async throws {
    try await RunningController.run(Self.objects, Self.quickly, pod: "rollcall-0") { controller in
      try await waitForGap(controller)
      let kubeconfig = try folder.write(controller.apiServer.kubeconfig(), to: "kubeconfig")
      let path = try kubectl(forwardingTo: String(controller.url.dropFirst("http://".count)))
      let gaps = try await ask(["gaps", "-A", "-o", "name", "--kubeconfig", kubeconfig], path: path)
      #expect(gaps == (1, "pod/web-0\n"), "\(gaps)")
      let arguments = try String(contentsOfFile: "\(folder.path)/arguments", encoding: .utf8)
      #expect(arguments == "--kubeconfig \(kubeconfig) --namespace rollcall port-forward pod/rollcall-0 :http\n")
      let ended = try forward
      try await eventually("the port forward has ended") { kill(ended, 0) != 0 }

      // As a plugin of kubectl.
      try FileManager.default.createSymbolicLink(
        atPath: "\(path)/kubectl-rollcall", withDestinationPath: try builtExecutable("rollcall"))
      let plugin = try ExternalProgram(
        try requireProgram("kubectl"), ["rollcall", "nodes", "-o", "name", "--server", controller.url],
        environment: ["PATH": "\(path):/usr/bin:/bin", "KUBECONFIG": "\(folder.path)/none"], log: "\(folder.path)/plugin.log")
      #expect(try await plugin.waitForExit() == 1)
      #expect(plugin.output == "node/worker-1\n")
      let help = try ExternalProgram("\(path)/kubectl-rollcall", ["gaps", "--help"], log: "\(folder.path)/help.log")
      #expect(try await help.waitForExit() == 0)
      #expect(help.output.contains("USAGE: kubectl rollcall gaps "), "R136: \(help.output)")

      let elsewhere = try await ask(["gaps", "--kubeconfig", kubeconfig, "--controller-namespace", "other"], path: path)
      #expect(elsewhere.status == 2 && elsewhere.output.contains("--controller-namespace"), "\(elsewhere.output)")

      // A controller that does not answer, and a command that is killed.
      let stalled = Gate()
      defer { stalled.open() }
      let slow = try ScriptedServer { connection in
        if try connection.readRequest() != nil { try connection.stall(until: stalled) }
      }
      _ = try kubectl(forwardingTo: "127.0.0.1:\(slow.port)")
      let program = try start(["gaps", "-A", "--kubeconfig", kubeconfig], path: path)
      try await eventually("it has asked") { !slow.requests.isEmpty }
      program.send(signal: SIGKILL)
      let orphan = try forward
      #expect(orphan != ended)
      try await eventually("the port forward of a killed command has ended") { kill(orphan, 0) != 0 }
    }
  }
}
