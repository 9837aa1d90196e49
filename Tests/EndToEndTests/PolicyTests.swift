import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing
import YAML

/// CoveragePolicies with kubectl, the built controller and a real Alertmanager.
@Suite(.timeLimit(.minutes(5)), .enabled(if: Kustomization.isInstalled, "kubectl is not installed"))
struct PolicyTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let resource = "coveragepolicies.rollcall.dev"
  private static let quickly = ["--interval", "1s", "--threshold", "2s"]

  /// A node without an agent, and the Pods of two workloads.
  private static let objects: [JSONValue] =
    [
      [
        "apiVersion": "v1", "kind": "Node", "metadata": ["name": "worker-1", "labels": ["kubernetes.io/os": "linux"]],
        "status": [
          "addresses": [["type": "InternalIP", "address": "127.0.79.1"]], "conditions": [["type": "Ready", "status": "True"]],
          "nodeInfo": ["operatingSystem": "linux"],
        ],
      ]
    ] + [pod("web-0", id: "ab"), pod("db-0", id: "cd")]

  private static func pod(_ name: String, id: String) -> JSONValue {
    [
      "apiVersion": "v1", "kind": "Pod",
      "metadata": [
        "namespace": "shop", "name": .string(name), "labels": ["app": .string(String(name.dropLast(2)))],
        "ownerReferences": [
          [
            "apiVersion": "apps/v1", "kind": "StatefulSet", "name": .string(String(name.dropLast(2))), "uid": "1", "controller": true,
          ]
        ],
      ],
      "spec": ["nodeName": "worker-1", "containers": [["name": "app", "image": "app"]]],
      "status": [
        "phase": "Running",
        "containerStatuses": [
          [
            "name": "app", "containerID": .string("containerd://\(String(repeating: id, count: 32))"),
            "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
          ]
        ],
      ],
    ]
  }

  private static func text(_ name: String, priority: Int = 0, _ selector: String, _ effects: String) -> String {
    """
    apiVersion: rollcall.dev/v1alpha1
    kind: CoveragePolicy
    metadata: {name: \(name)}
    spec:
      priority: \(priority)
      selector: \(selector)
      effects: \(effects)
    """
  }

  private static let silence = "{collection: Exempt, reason: nobody looks at it}"

  private func kubectl(_ server: SimulatedAPIServer, _ arguments: String..., input: String? = nil) async throws -> (
    status: Int32, output: String
  ) {
    let kubeconfig = try folder.write(server.kubeconfig(), to: "kubeconfig")
    var arguments = ["--kubeconfig", kubeconfig] + arguments
    if let input { arguments += ["-f", try folder.write(input, to: "\(UUID()).yaml")] }
    let program = try ExternalProgram(
      try requireProgram("kubectl"), arguments, environment: ["HOME": folder.path], log: "\(folder.path)/\(UUID())")
    return (try await program.waitForExit(), program.output)
  }

  private func rollcall(_ arguments: [String]) async throws -> (status: Int32, output: String) {
    let program = try ExternalProgram(
      try builtExecutable("rollcall"), arguments, environment: ["KUBECONFIG": "\(folder.path)/none", "HOME": folder.path],
      log: "\(folder.path)/\(UUID())")
    return (try await program.waitForExit(), program.output)
  }

  private func gaps(_ controller: RunningController) async throws -> [String] {
    (try JSONValue(parsing: try await controller.get("/api/v1/gaps"))["gaps"]?.array ?? []).compactMap { $0["pod"]?.string }
  }

  private func status(_ server: SimulatedAPIServer, _ name: String) -> JSONValue? { server.get(Self.resource, name: name)?["status"] }

  private func condition(_ server: SimulatedAPIServer, _ name: String, _ type: String) -> String? {
    let found = status(server, name)?["conditions"]?.array?.first { $0["type"]?.string == type }
    return found.map { "\($0["status"]?.string ?? "") \($0["reason"]?.string ?? "")" }
  }

  // MARK: In force

  @Test func `R127: a policy that kubectl applies is in force, and what it closed comes back without it`() async throws {
    try await RunningController.run(Self.objects, Self.quickly) { controller in
      let server = controller.apiServer
      try await eventually("both have a gap") { try await gaps(controller).sorted() == ["db-0", "web-0"] }
      let applied = try await kubectl(server, "apply", input: Self.text("quiet-db", "{workloads: [{name: db}]}", Self.silence))
      #expect(applied == (0, "coveragepolicy.rollcall.dev/quiet-db created\n"))
      try await eventually("one is exempt") { try await gaps(controller) == ["web-0"] }
      try await eventually("the status says so") {
        status(server, "quiet-db")?["exempt"] == 1 && condition(server, "quiet-db", "Applied") == "True Applied"
      }
      #expect(condition(server, "quiet-db", "Accepted") == "True Accepted" && status(server, "quiet-db")?["observedGeneration"] == 1)
      let table = try await kubectl(server, "get", "covpol").output
      #expect(table.contains(/NAME +PRIORITY +ACCEPTED +APPLIED +CONTAINERS +GAPS +AGE\n/), "\(table)")
      #expect(table.contains(/quiet-db +0 +True +Applied +1 +0\s/), "\(table)")
      let said = try JSONValue(parsing: try await controller.get("/api/v1/policies?namespace=shop&pod=db-0"))["policies"]
      #expect(said?["collection"] == ["value": "Exempt", "reason": "nobody looks at it", "policy": "quiet-db"])

      // Whoever applies again changes nothing, and the status is nobody else's.
      let again = try await kubectl(
        server, "apply", "--server-side", input: Self.text("quiet-db", "{workloads: [{name: db}]}", Self.silence))
      #expect(again.status == 0, "\(again.output)")
      #expect(try await kubectl(server, "delete", Self.resource, "quiet-db").status == 0)
      try await eventually("it is due again, and has a gap") { try await gaps(controller).sorted() == ["db-0", "web-0"] }
      let log = controller.program.output
      #expect(log.components(separatedBy: "policy added").count == 2 && log.components(separatedBy: "policy removed").count == 2, "\(log)")
    }
  }

  @Test func `R125: of two policies that contradict each other the name decides, which is said, and a priority ends it`() async throws {
    try await RunningController.run(Self.objects, Self.quickly) { controller in
      let server = controller.apiServer
      try await eventually("both have a gap") { try await gaps(controller).count == 2 }
      _ = try await kubectl(server, "apply", input: Self.text("a", "{namespaces: {names: [shop]}}", Self.silence))
      _ = try await kubectl(server, "apply", input: Self.text("b", "{namespaces: {names: [sh*]}}", "{collection: Required}"))
      try await eventually("the second one says so") { condition(server, "b", "Applied") == "False Contradicted" }
      try await eventually("the first one leaves nothing") { condition(server, "a", "Applied") == "True ExemptsEverything" }
      #expect(try await gaps(controller).isEmpty)
      _ = try await kubectl(server, "apply", input: Self.text("b", priority: 1, "{namespaces: {names: [sh*]}}", "{collection: Required}"))
      try await eventually("the priority decides") { try await gaps(controller).count == 2 }
      try await eventually("the other one has no effect") { condition(server, "a", "Applied") == "False Overridden" }
      try await eventually("the list has both in their order") {
        let list = try await rollcall(["policy", "list", "--server", controller.url])
        return list.status == 0
          && list.output.contains(/\nb +1 +2 +0 +2 +Applied\na +2 +2 +0 +2 +Overridden\n/)
      }
    }
  }

  @Test func `R128: a policy that leaves nothing to collect is allowed, and said loudly`() async throws {
    try await RunningController.run(Self.objects, Self.quickly) { controller in
      let server = controller.apiServer
      _ = try await kubectl(server, "apply", input: Self.text("all", "{}", Self.silence))
      try await eventually("the status says so") { condition(server, "all", "Applied") == "True ExemptsEverything" }
      try await eventually("the log says so") { controller.program.output.contains("policy may do what nobody meant") }
      _ = try await kubectl(server, "apply", input: Self.text("nothing", "{sources: [windows]}", Self.silence))
      try await eventually("the other one says that it selects nothing") {
        condition(server, "nothing", "Applied") == "False SelectsNothing"
      }
    }
  }

  @Test func `R126: a definition that goes and comes needs no restart`() async throws {
    try await RunningController.run(
      Self.objects, Self.quickly, prepare: { (server: SimulatedAPIServer) throws in try server.removeDefinition(of: Self.resource) }
    ) { controller in
      let server = controller.apiServer
      try await eventually("everything else works without it") { try await gaps(controller).count == 2 }
      #expect(try JSONValue(parsing: try await controller.get("/api/v1/policies"))["state"] == "absent")
      try await eventually("one line says so") { controller.program.output.contains("policies are off: the cluster has no definition") }
      try server.restoreDefinition(of: Self.resource)
      _ = try await kubectl(server, "apply", input: Self.text("quiet-db", "{workloads: [{name: db}]}", Self.silence))
      try await eventually("it is in force", within: .seconds(120)) { try await gaps(controller) == ["web-0"] }
      try server.removeDefinition(of: Self.resource)
      try await eventually("with the definition its objects go", within: .seconds(120)) { try await gaps(controller).count == 2 }
    }
  }

  @Test func `R126: without the right to read policies everything else works, and one line says so`() async throws {
    try await RunningController.run(
      Self.objects, Self.quickly,
      prepare: { (server: SimulatedAPIServer) throws in
        try server.put(YAMLNode(parsing: Self.text("all", "{}", Self.silence).utf8, file: "all").jsonValue)
        for verb in [Verb.list, .watch] {
          server.rejectNext(Rejection(status: 403, reason: "Forbidden", count: .max, verb: verb, resource: Self.resource))
        }
      }
    ) { controller in
      try await eventually("the gaps are there") { try await gaps(controller).count == 2 }
      try await eventually("one line says so") {
        controller.program.output.contains("policies are off: no permission to list and watch coveragepolicies.rollcall.dev")
      }
      #expect(try await rollcall(["policy", "list", "--server", controller.url]).output.contains("may not list and watch"))
    }
  }

  @Test func `R126: without the right that it had, the controller keeps the policies last read, and says so`() async throws {
    try await RunningController.run(
      Self.objects, Self.quickly,
      prepare: { (server: SimulatedAPIServer) throws in
        try server.put(YAMLNode(parsing: Self.text("quiet-db", "{workloads: [{name: db}]}", Self.silence).utf8, file: "one").jsonValue)
      }
    ) { controller in
      try await eventually("one is exempt") { try await gaps(controller) == ["web-0"] }
      for verb in [Verb.list, .watch] {
        controller.apiServer.rejectNext(Rejection(status: 403, reason: "Forbidden", count: .max, verb: verb, resource: Self.resource))
      }
      controller.apiServer.dropWatches()
      try await eventually("one line says so") { controller.program.output.contains("the policies last read stay in force") }
      #expect(try JSONValue(parsing: try await controller.get("/api/v1/policies"))["state"] == "forbidden")
      #expect(try await gaps(controller) == ["web-0"] && !controller.program.output.contains("policies are off"))
    }
  }

  // MARK: Refused

  @Test(arguments: [
    ("{namespaces: {names: [Shop]}}", silence, "should match '^[a-z0-9.*-]+$'"),
    ("{}", "{collection: Exempt}", "collection Exempt needs a reason in words"),
    ("{}", "{collection: Exempt, reason: x, threshold: 5m}", "collection Exempt goes with no other effect"),
    ("{}", "{reason: x, threshold: 5m}", "a reason has no meaning without collection Exempt"),
    ("{}", "{threshold: 0s}", "a threshold is more than 0s"), ("{}", "{}", "should have at least 1 properties"),
    ("{}", "{alerts: {labels: {pod: x}}}", "these labels say what an alert is about"),
    ("{sources: [macos]}", silence, #"supported values: "linux", "windows", "virtual""#),
  ])
  func `R124: kubectl is told what is wrong with a policy`(selector: String, effects: String, message: String) async throws {
    let server = SimulatedAPIServer(logger: Logger(label: "api-server") { _ in SwiftLogNoOpLogHandler() })
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      try await server.waitUntilListening()
      let refused = try await kubectl(server, "apply", input: Self.text("wrong", selector, effects))
      #expect(refused.status == 1 && refused.output.contains(message), "\(refused.output)")
      group.cancelAll()
    }
  }

  // MARK: Before it is applied

  @Test func `R129: rollcall policy test says what a policy would change, and changes nothing`() async throws {
    try await RunningController.run(Self.objects, Self.quickly) { controller in
      try await eventually("both have a gap") { try await gaps(controller).count == 2 }
      func test(_ policies: String, _ more: String...) async throws -> (status: Int32, output: String) {
        try await rollcall(["policy", "test", try folder.write(policies, to: "\(UUID()).yaml"), "--server", controller.url] + more)
      }
      let quiet = try await test(Self.text("quiet-db", "{workloads: [{name: db}]}", Self.silence))
      #expect(quiet.status == 1)
      #expect(
        quiet.output == """
          quiet-db (new): selects 1 container

          1 container would be exempt:
            shop/db-0/app  Policy

          1 container would have no gap any more:
            shop/db-0/app  uncollected: AgentUnreachable

          """)
      let none = try await test(Self.text("none", "{sources: [windows]}", Self.silence))
      #expect(none == (0, "none (new): selects 0 containers\n\nNothing would change.\n"))
      let all = try await test(Self.text("all", "{}", Self.silence) + "\n---\n" + Self.text("more", "{}", "{threshold: 1h}"), "-o", "json")
      let told = try JSONValue(parsing: Array(all.output.utf8))
      #expect(all.status == 1 && told["exemptsEverything"] == true)
      let wrong = try await test(Self.text("wrong", "{namespace: shop}", Self.silence))
      #expect(wrong.status == 2 && wrong.output.contains("wrong: spec.selector.namespace: is not known here"), "\(wrong.output)")
      let short = try await test(Self.text("short", "{}", "{threshold: 1s}"))
      #expect(short.status == 2 && short.output.contains("spec.effects.threshold: 1s is less than 2s"), "\(short.output)")
      let broken = try await test("a: [b\n")
      #expect(broken.status == 2 && broken.output.contains("line"), "\(broken.output)")
      #expect(try await rollcall(["policy", "test", "\(folder.path)/no-file"]).output.hasSuffix("no-file: cannot be read\n"))
      #expect(controller.apiServer.writeCount(Self.resource) == 0)
      #expect(try await gaps(controller).count == 2)
    }
  }

  // MARK: Alerts

  @Test(.enabled(if: findProgram("prometheus-alertmanager") != nil, "prometheus-alertmanager is not installed"))
  func `R127: alerts have the labels of policies, and a change of them begins another alert`() async throws {
    let alertmanager = try await Alertmanager(folder: folder, transport: try HTTPTransport())
    defer { alertmanager.program.stop() }
    func policy(_ severity: String) -> String {
      Self.text("payments", "{workloads: [{name: web}]}", "{alerts: {severity: \(severity), labels: {team: payments}}}")
    }
    try await RunningController.run(Self.objects, Self.quickly + ["--alertmanager-url", alertmanager.url]) { controller in
      let server = controller.apiServer
      func severities() async throws -> [String] {
        try await alertmanager.activeAlerts().compactMap { alert in
          guard alert["labels"]?["pod"] != nil || alert["labels"]?["node"] != nil else { return nil }
          return "\(alert["labels"]?["severity"]?.string ?? "") \(alert["labels"]?["team"]?.string ?? "")"
        }.sorted()
      }
      _ = try await kubectl(server, "apply", input: policy("critical"))
      try await eventually("each has its alert", within: .seconds(90)) { try await severities() == ["critical payments", "warning "] }
      _ = try await kubectl(server, "apply", input: policy("info"))
      try await eventually("the alert has the other severity", within: .seconds(90)) {
        try await severities() == ["info payments", "warning "]
      }
      #expect(try await gaps(controller).count == 2)
    }
  }
}
