import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// The push of virtual nodes the whole way: nginx serves the pods' pages, the built controller pushes them to a real Prometheus, and either
/// is ended in the middle of it.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct VirtualPushTests {
  private static let pods = 8

  @Test(
    "R66: receiver killed, then the controller, too: every sample is there in the end, and a pod that goes is ended",
    .enabled(if: Nginx.isInstalled))
  func everySampleIsAccountedFor() async throws {
    let stage = try await PushStage(pods: Self.pods)
    defer { stage.stop() }
    var prometheus = try await stage.startPrometheus()
    var controller = try await stage.startController()
    defer { controller.stop() }
    let ofAllPods = "count(container_processes{cluster=\"east\",node=\"v0\"})"
    try await eventually("all pods are pushed", within: .seconds(60)) { try await prometheus.number(ofAllPods) == Double(Self.pods) }

    // The page that is served has the basic families, and nothing else.
    let page = try await controller.get("/metrics/cadvisor?node=v0")
    let families = Set(page.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: "{").first })
    #expect(families == ["container_memory_rss", "container_cpu_usage_seconds_total"])

    // An image is the Pod's where the page says none, whether it is pushed or served.
    #expect(
      try await prometheus.query("count(container_processes) by (image)", by: "image") == ["registry.example/app:1": Double(Self.pods)])
    #expect(try await prometheus.query("count(container_spec_cpu_shares) by (image)", by: "image") == ["of-the-page": Double(Self.pods)])
    #expect(page.split(separator: "\n").allSatisfy { $0.hasPrefix("#") || $0.contains("image=\"registry.example/app:1\"") })

    // Killed in mid-push, as a crash does.
    prometheus.program.send(signal: SIGKILL)
    _ = try await prometheus.program.waitForExit()
    try await eventually("what comes waits on disk", within: .seconds(60)) {
      try await controller.metric("rollcall_push_spool_bytes") ?? 0 > 0
    }

    // The controller is killed as well. Its last round is over before, and what it fetched is on disk.
    try await stage.hidePages()
    try await eventually("nothing waits in memory", within: .seconds(60)) { try await controller.metric("rollcall_push_memory_bytes") == 0 }
    controller.program.send(signal: SIGKILL)
    _ = try await controller.program.waitForExit()
    try stage.showPages()
    controller = try await stage.startController()
    try await eventually("what the last one left waits", within: .seconds(60)) {
      try await controller.metric("rollcall_push_samples_pending") ?? 0 > 0
    }
    prometheus = try await stage.startPrometheus()
    let before = stage.pagesServed.values.reduce(0, +)
    try await eventually("it goes on", within: .seconds(60)) { stage.pagesServed.values.reduce(0, +) >= before + 3 * Self.pods }

    // No more pages come; all of those that did are in Prometheus, each sample once.
    try await stage.hidePages()
    try await eventually("nothing waits any more", within: .seconds(60)) {
      try await controller.metric("rollcall_push_samples_pending") == 0
    }
    let served = stage.pagesServed.mapValues(Double.init)
    #expect(served.count == Self.pods)
    for family in [
      "container_memory_rss", "container_processes", "container_cpu_usage_seconds_total", "container_spec_cpu_shares",
    ] {
      #expect(try await prometheus.query("count_over_time(\(family)[1h])", by: "pod") == served, "\(family)")
    }
    #expect(try await controller.metric("rollcall_push_samples_failed_total") == 0)
    #expect(try await controller.metric("rollcall_push_samples_dropped_total") == 0)

    // A pod that goes is ended at once, not after the five minutes that Prometheus looks back.
    try stage.showPages()
    try await eventually("all pods are there", within: .seconds(60)) { try await prometheus.number(ofAllPods) == Double(Self.pods) }
    try stage.removePod(0)
    try await eventually("one pod is gone", within: .seconds(60)) {
      try await prometheus.query("container_processes", by: "pod").keys.sorted() == (1..<Self.pods).map { "pod-\($0)" }
    }

    let file = try stage.folder.write(try await controller.get("/metrics"), to: "own.txt")
    let lint = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: "\(stage.folder.path)/promtool.log")
    #expect(try await lint.waitForExit() == 0, "\(lint.output)")
  }

  @Test(
    "R20, R26: over TLS to an authority of one's own, with a header from a file; what is only pushed is served nowhere",
    .enabled(if: Nginx.isInstalled))
  func pushesWithCredentials() async throws {
    let stage = try await PushStage(pods: 3)
    defer { stage.stop() }
    let prometheus = try await stage.startPrometheus()
    let authority = try TestAuthority(in: stage.folder, name: "authority")
    let guarded = try await stage.guardedReceiver(by: authority, #"if ($http_authorization != "Bearer good-secret") { return 401; }"#)
    let headers = try stage.folder.write("Authorization: Bearer wrong-secret\n", to: "headers")
    let controller = try await stage.startController(
      mode: "push", url: guarded, ["--remote-write-ca-file", authority.certificate, "--remote-write-headers-file", headers])
    defer { controller.stop() }
    try await eventually("the receiver refuses, and says so for good", within: .seconds(60)) {
      try await controller.metric("rollcall_push_samples_failed_total") ?? 0 > 0
    }
    #expect(try await prometheus.number("count(container_processes)") == nil)
    _ = try stage.folder.write("Authorization: Bearer good-secret\n", to: "headers")
    try await eventually("with the other header all is taken", within: .seconds(60)) {
      try await prometheus.number("count(container_processes)") == 3
    }

    #expect(try await controller.get("/metrics/cadvisor").contains("pushed and not held here"))
    #expect(try JSONValue(parsing: Array(try await controller.get("/sd/v1/targets?source=virtual").utf8)).array?.isEmpty == true)
    #expect(controller.program.output.contains("push receiver rejects samples"))
    #expect(!controller.program.output.contains("-secret"))
  }

  @Test(
    "R21: with a client certificate, which may be renewed while the controller runs, and to nobody whose own is not vouched for",
    .enabled(if: Nginx.isInstalled))
  func pushesWithClientCertificate() async throws {
    let stage = try await PushStage(pods: 3)
    defer { stage.stop() }
    let prometheus = try await stage.startPrometheus()
    let authority = try TestAuthority(in: stage.folder, name: "authority")
    let guarded = try await stage.guardedReceiver(by: authority, "ssl_client_certificate \(authority.certificate); ssl_verify_client on;")
    let shown = TestAuthority.Issued(certificate: "\(stage.folder.path)/shown.crt", key: "\(stage.folder.path)/shown.key")
    func show(_ name: String, by authority: TestAuthority) throws {
      let issued = try authority.issue(name, usage: "clientAuth")
      for (new, old) in [(issued.key, shown.key), (issued.certificate, shown.certificate)] {
        try String(contentsOfFile: new, encoding: .utf8).write(toFile: old, atomically: true, encoding: .utf8)
      }
    }

    try show("stranger", by: try TestAuthority(in: stage.folder, name: "other-authority"))
    let credentials = ["--remote-write-cert-file", shown.certificate, "--remote-write-key-file", shown.key]
    let controller = try await stage.startController(
      mode: "push", url: guarded, ["--remote-write-ca-file", authority.certificate] + credentials)
    defer { controller.stop() }
    try await eventually("the stranger is refused", within: .seconds(60)) {
      try await controller.metric("rollcall_push_samples_failed_total") ?? 0 > 0
    }
    #expect(stage.clientsTaken.isEmpty)
    for name in ["pusher", "renewed"] {
      try show(name, by: authority)
      try await eventually("\(name) is known, and all is taken", within: .seconds(60)) {
        let pods = try await prometheus.number("count(container_processes)")
        return pods == 3 && stage.clientsTaken.last == "CN=\(name)"
      }
    }
    controller.program.send(signal: SIGTERM)
    #expect(try await controller.program.waitForExit() == 0)

    // Without our authority the receiver could be anybody: it gets nothing, and nothing is lost.
    let wary = try await stage.startController("wary", mode: "push", url: guarded, credentials)
    defer { wary.stop() }
    try await eventually("the receiver is not believed", within: .seconds(60)) {
      let retries = try await wary.metric("rollcall_push_retries_total") ?? 0
      let waiting = try await wary.metric("rollcall_push_samples_pending") ?? 0
      return retries > 0 && waiting > 0
    }
    #expect(try await wary.metric("rollcall_push_samples_sent_total") == 0)
    #expect(wary.program.output.contains("certificate"))
    wary.program.send(signal: SIGTERM)
    #expect(try await wary.program.waitForExit() == 0)

    // Unless the user gives up the check. The key may be in the certificate's file.
    let both = try stage.folder.write(
      try [shown.certificate, shown.key].map { try String(contentsOfFile: $0, encoding: .utf8) }.joined(), to: "both.pem")
    let careless = try await stage.startController(
      "careless", mode: "push", url: guarded, ["--remote-write-skip-verify", "--remote-write-cert-file", both])
    defer { careless.stop() }
    try await eventually("all is taken", within: .seconds(60)) { try await careless.metric("rollcall_push_samples_sent_total") ?? 0 > 0 }
    #expect(try await careless.metric("rollcall_push_samples_failed_total") == 0)
  }

  @Test("R33: of two replicas one pushes, and the other goes on when it ends", .enabled(if: Nginx.isInstalled))
  func oneOfTwoReplicasPushes() async throws {
    let stage = try await PushStage(pods: 3)
    defer { stage.stop() }
    let prometheus = try await stage.startPrometheus()
    let first = try await stage.startController("first")
    defer { first.stop() }
    try await eventually("the first pushes", within: .seconds(60)) { try await prometheus.number("count(container_processes)") == 3 }
    let second = try await stage.startController("second")
    defer { second.stop() }
    let before = stage.pagesServed["pod-0"] ?? 0
    try await eventually("some rounds go by", within: .seconds(60)) { stage.pagesServed["pod-0"] ?? 0 > before + 8 }
    #expect(try await second.metric("rollcall_push_samples_sent_total") == 0)

    first.program.send(signal: SIGTERM)
    #expect(try await first.program.waitForExit() == 0)
    try await eventually("the second pushes", within: .seconds(60)) {
      try await second.metric("rollcall_push_samples_sent_total") ?? 0 > 30
    }
    #expect(try await second.metric("rollcall_push_samples_failed_total") == 0)
    // The first has ended no series: in the last ten seconds there is no moment at which one is not there.
    #expect(try await prometheus.number("count_over_time(absent(container_processes{pod=\"pod-0\"})[10s:1s])") == nil)
  }
}

/// A controller that runs.
private struct RunningController {
  let program: ExternalProgram
  private let address: OwnAddress
  private let transport: HTTPTransport

  init(_ program: ExternalProgram, at address: OwnAddress, transport: HTTPTransport) {
    self.program = program
    self.address = address
    self.transport = transport
  }

  func get(_ path: String) async throws -> String {
    let response = try await transport.send(HTTPRequest(url: "http://\(address)\(path)", deadline: .seconds(10)))
    return String(decoding: response.body, as: UTF8.self)
  }

  /// The value of its own metric for its one receiver.
  func metric(_ name: String) async throws -> Double? {
    try await get("/metrics").split(separator: "\n").first { $0.hasPrefix("\(name){") }?.split(separator: " ").last.flatMap { Double($0) }
  }

  func stop() { program.stop() }
}

/// One virtual node, whose pods' pages nginx serves, and what its controllers need.
private final class PushStage {
  let folder: TemporaryFolder
  private let nginx: Nginx
  private var receiver: Nginx?
  private let transport: HTTPTransport
  private let apiServer: SimulatedAPIServer
  private let apiServerTask: Task<Void, any Error>
  private let prometheusAddress = OwnAddress()
  private let pods: Int

  init(pods: Int) async throws {
    self.pods = pods
    nginx = try await Nginx(
      files: Dictionary(uniqueKeysWithValues: (0..<pods).map { ("pages/\($0)/metrics/cadvisor", Self.page(of: $0)) }),
      servers: "server { listen $network.1:$port; root $folder/pages; }")
    folder = try TemporaryFolder()
    transport = try HTTPTransport()
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true), logger: Logger(label: "api-server"))
    self.apiServer = apiServer
    apiServerTask = Task { try await apiServer.run() }
    _ = try await apiServer.waitUntilListening()
    try apiServer.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
    try apiServer.put(VirtualObjects.node("v0"))
    for number in 0..<pods { try apiServer.put(pod(number)) }
    try apiServer.kubeconfig().write(toFile: "\(folder.path)/kubeconfig", atomically: true, encoding: .utf8)
  }

  func startPrometheus() async throws -> Prometheus {
    try await Prometheus(receivingAt: prometheusAddress, folder: folder, transport: transport)
  }

  /// - Parameter url: the receiver's; Prometheus's own where it is `nil`.
  func startController(
    _ name: String = "controller", mode: String = "both", url: String? = nil, _ more: [String] = []
  ) async throws -> RunningController {
    let address = OwnAddress()
    try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name).spool", withIntermediateDirectories: true)
    let program = try ExternalProgram(
      try builtExecutable("rollcall"),
      [
        "controller", "--kubeconfig", "\(folder.path)/kubeconfig", "--namespace", "rollcall", "--listen", "\(address)",
        "--interval", "1s", "--threshold", "1h", "--grace", "0s", "--allow-loopback-targets", "--virtual-staleness", "1h",
        "--identity", name, "--virtual-mode", mode, "--remote-write-url", url ?? "http://\(prometheusAddress)/api/v1/write",
        "--external-labels", "cluster=east", "--push-samples-per-send", "10", "--push-send-deadline", "100ms", "--push-shards", "2",
        "--push-memory", "2KB", "--push-spool-dir", "\(folder.path)/\(name).spool",
      ] + more, log: "\(folder.path)/\(name).log")
    try await program.waitForPort(address)
    return RunningController(program, at: address, transport: transport)
  }

  /// Before Prometheus: takes what comes over TLS on these conditions, which are nginx's directives, and refuses the rest.
  /// - Returns: its URL.
  func guardedReceiver(by authority: TestAuthority, _ conditions: String) async throws -> String {
    let address = OwnAddress()
    let issued = try authority.issue("receiver", subjectAlternativeName: "IP:\(address.host)", usage: "serverAuth")
    receiver = try await Nginx(
      servers: """
        server { listen $network.1:$port; }
        log_format clients '$status $ssl_client_s_dn';
        server {
          access_log $folder/clients.log clients;
          listen \(address) ssl;
          ssl_certificate \(issued.certificate);
          ssl_certificate_key \(issued.key);
          client_max_body_size 64m;
          \(conditions)
          location / { proxy_pass http://\(prometheusAddress); }
        }
        """)
    return "https://\(address)/api/v1/write"
  }

  /// The subjects of the client certificates with which the guarded receiver took something, in order.
  var clientsTaken: [Substring] {
    let log = (receiver?.folder.path).flatMap { try? String(contentsOfFile: "\($0)/clients.log", encoding: .utf8) } ?? ""
    return log.split(separator: "\n").filter { $0.hasPrefix("204 ") }.map { $0.dropFirst(4) }
  }

  /// How many times each pod's page was served.
  var pagesServed: [String: Int] {
    nginx.accessLog.reduce(into: [:]) { counts, line in
      if let pod = Self.pod(in: line, status: 200) { counts["pod-\(pod)", default: 0] += 1 }
    }
  }

  /// From now on pods answer 404. Returns when each has done so: a node's calls do not overlap, so what was served before has been taken.
  func hidePages() async throws {
    try FileManager.default.moveItem(atPath: "\(nginx.folder.path)/pages", toPath: "\(nginx.folder.path)/hidden")
    let known = nginx.accessLog.count
    try await eventually("every pod has answered 404 twice", within: .seconds(60)) {
      let refused = nginx.accessLog.dropFirst(known).compactMap { Self.pod(in: $0, status: 404) }
      return (0..<pods).allSatisfy { pod in refused.count { $0 == "\(pod)" } >= 2 }
    }
  }

  func showPages() throws {
    try FileManager.default.moveItem(atPath: "\(nginx.folder.path)/hidden", toPath: "\(nginx.folder.path)/pages")
  }

  func removePod(_ number: Int) throws {
    try apiServer.remove("pods", namespace: "shop", name: "pod-\(number)")
  }

  func stop() {
    apiServerTask.cancel()
  }

  /// The pod in a line such as `127.20.1.1 "GET /3/metrics/cadvisor HTTP/1.1" 200 …`.
  private static func pod(in line: String, status: Int) -> Substring? {
    let words = line.split(separator: " ")
    guard words.count > 4, words[4] == "\(status)" else { return nil }
    return words[2].split(separator: "/").first
  }

  private static func page(of number: Int) -> String {
    """
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="app",cpu="total",id="/app"} \(number)
    # TYPE container_memory_rss gauge
    container_memory_rss{container="app",id="/app"} \(number * 4096)
    # TYPE container_processes gauge
    container_processes{container="app",id="/app"} 3
    # TYPE container_spec_cpu_shares gauge
    container_spec_cpu_shares{container="app",id="/app",image="of-the-page"} 1024

    """
  }

  private func pod(_ number: Int) -> JSONValue {
    VirtualObjects.pod("pod-\(number)", on: "v0", ip: nginx.host, page: "http://:\(nginx.port)/\(number)/metrics/cadvisor")
  }
}
