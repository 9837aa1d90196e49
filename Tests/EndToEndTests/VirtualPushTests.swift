import Foundation
import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

/// The push of virtual nodes end to end: nginx serves the pods' metrics, the controller pushes them to a real Prometheus, and either is
/// killed in between.
@Suite(.serialized, .timeLimit(.minutes(5)))
struct VirtualPushTests {
  private static let pods = 8

  @Test(.enabled(if: Nginx.isInstalled))
  func `R66: no sample is lost when receiver and controller are killed, and the series of a deleted pod end`() async throws {
    let cluster = try await PushCluster(pods: Self.pods)
    defer { cluster.stop() }
    var prometheus = try await cluster.startPrometheus()
    var controller = try await cluster.startController()
    defer { controller.stop() }
    let ofAllPods = "count(container_processes{cluster=\"east\",node=\"v0\"})"
    try await eventually("all pods are pushed") { try await prometheus.number(ofAllPods) == Double(Self.pods) }

    // The served metrics have only the basic families.
    let served = try await controller.get("/metrics/cadvisor?node=v0")
    let families = Set(served.split(separator: "\n").filter { !$0.hasPrefix("#") }.compactMap { $0.split(separator: "{").first })
    #expect(families == ["container_memory_rss", "container_cpu_usage_seconds_total"])

    // Pushed and served samples without an image get the image of the Pod.
    #expect(
      try await prometheus.query("count(container_processes) by (image)", by: "image") == ["registry.example/app:1": Double(Self.pods)])
    #expect(try await prometheus.query("count(container_spec_cpu_shares) by (image)", by: "image") == ["from-the-body": Double(Self.pods)])
    #expect(served.split(separator: "\n").allSatisfy { $0.hasPrefix("#") || $0.contains("image=\"registry.example/app:1\"") })

    // Kill the receiver in mid-push, like a crash.
    prometheus.program.send(signal: SIGKILL)
    _ = try await prometheus.program.waitForExit()
    try await eventually("samples wait on disk") {
      try await controller.metric("rollcall_push_spool_bytes") ?? 0 > 0
    }

    // Kill the controller as well, after its last round is on disk.
    try await cluster.hideMetrics()
    try await eventually("no samples wait in memory") {
      try await controller.metric("rollcall_push_memory_bytes") == 0
    }
    controller.program.send(signal: SIGKILL)
    _ = try await controller.program.waitForExit()
    try cluster.showMetrics()
    controller = try await cluster.startController()
    try await eventually("the samples of the old controller are pending") {
      try await controller.metric("rollcall_push_samples_pending") ?? 0 > 0
    }
    prometheus = try await cluster.startPrometheus()
    let before = cluster.responseCounts.values.reduce(0, +)
    try await eventually("the rounds continue") {
      cluster.responseCounts.values.reduce(0, +) >= before + 3 * Self.pods
    }

    // After the last response every sample is in Prometheus exactly once.
    try await cluster.hideMetrics()
    try await eventually("no samples are pending") {
      try await controller.metric("rollcall_push_samples_pending") == 0
    }
    let responses = cluster.responseCounts.mapValues(Double.init)
    #expect(responses.count == Self.pods)
    for family in [
      "container_memory_rss", "container_processes", "container_cpu_usage_seconds_total", "container_spec_cpu_shares",
    ] {
      #expect(try await prometheus.query("count_over_time(\(family)[1h])", by: "pod") == responses, "\(family)")
    }
    #expect(try await controller.metric("rollcall_push_samples_failed_total") == 0)
    #expect(try await controller.metric("rollcall_push_samples_dropped_total") == 0)

    // The series of a deleted pod end at once, not after Prometheus's lookback of five minutes.
    try cluster.showMetrics()
    try await eventually("all pods are pushed again") { try await prometheus.number(ofAllPods) == Double(Self.pods) }
    try cluster.removePod(0)
    try await eventually("one pod is gone") {
      try await prometheus.query("container_processes", by: "pod").keys.sorted() == (1..<Self.pods).map { "pod-\($0)" }
    }

    let file = try cluster.folder.write(try await controller.get("/metrics"), to: "own.txt")
    let lint = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: "\(cluster.folder.path)/promtool.log")
    #expect(try await lint.waitForExit() == 0, "\(lint.output)")
  }

  @Test(.enabled(if: Nginx.isInstalled))
  func `R20, R26: push over TLS with a private CA and a header from a file; mode push serves no metrics`() async throws {
    let cluster = try await PushCluster(pods: 3)
    defer { cluster.stop() }
    let prometheus = try await cluster.startPrometheus()
    let authority = try TestAuthority(in: cluster.folder, name: "authority")
    let guarded = try await cluster.guardedReceiver(by: authority, #"if ($http_authorization != "Bearer good-secret") { return 401; }"#)
    let headers = try cluster.folder.write("Authorization: Bearer wrong-secret\n", to: "headers")
    let controller = try await cluster.startController(
      mode: "push", url: guarded, ["--remote-write-ca-file", authority.certificate, "--remote-write-headers-file", headers])
    defer { controller.stop() }
    try await eventually("the receiver rejects the samples for good") {
      try await controller.metric("rollcall_push_samples_failed_total") ?? 0 > 0
    }
    #expect(try await prometheus.number("count(container_processes)") == nil)
    _ = try cluster.folder.write("Authorization: Bearer good-secret\n", to: "headers")
    try await eventually("the receiver accepts the new header") {
      try await prometheus.number("count(container_processes)") == 3
    }

    #expect(try await controller.get("/metrics/cadvisor").contains("pushed and not cached here"))
    #expect(try JSONValue(parsing: Array(try await controller.get("/sd/v1/targets?source=virtual").utf8)).array?.isEmpty == true)
    #expect(controller.program.output.contains("push receiver rejects samples"))
    #expect(!controller.program.output.contains("-secret"))
  }

  @Test(.enabled(if: Nginx.isInstalled))
  func `R21: push with a client certificate that is renewed at runtime, and never to an unverified receiver`() async throws {
    let cluster = try await PushCluster(pods: 3)
    defer { cluster.stop() }
    let prometheus = try await cluster.startPrometheus()
    let authority = try TestAuthority(in: cluster.folder, name: "authority")
    let guarded = try await cluster.guardedReceiver(by: authority, "ssl_client_certificate \(authority.certificate); ssl_verify_client on;")
    let shown = TestAuthority.Issued(certificate: "\(cluster.folder.path)/shown.crt", key: "\(cluster.folder.path)/shown.key")
    func show(_ name: String, by authority: TestAuthority) throws {
      let issued = try authority.issue(name, usage: "clientAuth")
      for (new, old) in [(issued.key, shown.key), (issued.certificate, shown.certificate)] {
        try String(contentsOfFile: new, encoding: .utf8).write(toFile: old, atomically: true, encoding: .utf8)
      }
    }

    try show("stranger", by: try TestAuthority(in: cluster.folder, name: "other-authority"))
    let credentials = ["--remote-write-cert-file", shown.certificate, "--remote-write-key-file", shown.key]
    let controller = try await cluster.startController(
      mode: "push", url: guarded, ["--remote-write-ca-file", authority.certificate] + credentials)
    defer { controller.stop() }
    try await eventually("the unknown client is rejected") {
      try await controller.metric("rollcall_push_samples_failed_total") ?? 0 > 0
    }
    #expect(cluster.acceptedClients.isEmpty)
    for name in ["pusher", "renewed"] {
      try show(name, by: authority)
      try await eventually("the samples of \(name) are accepted") {
        let pods = try await prometheus.number("count(container_processes)")
        return pods == 3 && cluster.acceptedClients.last == "CN=\(name)"
      }
    }
    controller.program.send(signal: SIGTERM)
    #expect(try await controller.program.waitForExit() == 0)

    // Without the CA the receiver cannot be verified: nothing is sent and nothing is lost.
    let wary = try await cluster.startController("wary", mode: "push", url: guarded, credentials)
    defer { wary.stop() }
    try await eventually("the receiver is not trusted") {
      let retries = try await wary.metric("rollcall_push_retries_total") ?? 0
      let waiting = try await wary.metric("rollcall_push_samples_pending") ?? 0
      return retries > 0 && waiting > 0
    }
    #expect(try await wary.metric("rollcall_push_samples_sent_total") == 0)
    #expect(wary.program.output.contains("certificate"))
    wary.program.send(signal: SIGTERM)
    #expect(try await wary.program.waitForExit() == 0)

    // The user can turn off verification. The key may be in the file of the certificate.
    let both = try cluster.folder.write(
      try [shown.certificate, shown.key].map { try String(contentsOfFile: $0, encoding: .utf8) }.joined(), to: "both.pem")
    let careless = try await cluster.startController(
      "careless", mode: "push", url: guarded, ["--remote-write-skip-verify", "--remote-write-cert-file", both])
    defer { careless.stop() }
    try await eventually("samples are accepted") {
      try await careless.metric("rollcall_push_samples_sent_total") ?? 0 > 0
    }
    #expect(try await careless.metric("rollcall_push_samples_failed_total") == 0)
  }

  @Test(.enabled(if: Nginx.isInstalled))
  func `R33: one of two replicas pushes, and the other takes over when it stops`() async throws {
    let cluster = try await PushCluster(pods: 3)
    defer { cluster.stop() }
    let prometheus = try await cluster.startPrometheus()
    let first = try await cluster.startController("first")
    defer { first.stop() }
    try await eventually("the first pushes") { try await prometheus.number("count(container_processes)") == 3 }
    let second = try await cluster.startController("second")
    defer { second.stop() }
    let before = cluster.responseCounts["pod-0"] ?? 0
    try await eventually("some rounds have passed") { cluster.responseCounts["pod-0"] ?? 0 > before + 8 }
    #expect(try await second.metric("rollcall_push_samples_sent_total") == 0)

    first.program.send(signal: SIGTERM)
    #expect(try await first.program.waitForExit() == 0)
    try await eventually("the second pushes") {
      try await second.metric("rollcall_push_samples_sent_total") ?? 0 > 30
    }
    #expect(try await second.metric("rollcall_push_samples_failed_total") == 0)
    // The first replica has not ended the series: it was never absent in the last ten seconds.
    #expect(try await prometheus.number("count_over_time(absent(container_processes{pod=\"pod-0\"})[10s:1s])") == nil)
  }
}

private struct PushController {
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

  /// The value of a metric of its only receiver.
  func metric(_ name: String) async throws -> Double? {
    try await get("/metrics").split(separator: "\n").first { $0.hasPrefix("\(name){") }?.split(separator: " ").last.flatMap { Double($0) }
  }

  func stop() { program.stop() }
}

/// A virtual node, whose pods nginx serves, with a simulated API server.
private final class PushCluster {
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
      files: Dictionary(uniqueKeysWithValues: (0..<pods).map { ("pods/\($0)/metrics/cadvisor", Self.metrics(of: $0)) }),
      servers: "server { listen $network.1:$port; root $folder/pods; }")
    folder = try TemporaryFolder()
    transport = try HTTPTransport()
    let apiServer = SimulatedAPIServer(
      configuration: .init(host: "127.0.0.1", port: 0, acceptsLoopbackEndpoints: true), logger: Logger(label: "api-server"))
    self.apiServer = apiServer
    apiServerTask = Task { try await apiServer.run() }
    _ = try await apiServer.waitUntilListening()
    try apiServer.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "rollcall"]])
    try apiServer.put(VirtualNodeObjects.node("v0"))
    for number in 0..<pods { try apiServer.put(pod(number)) }
    try apiServer.kubeconfig().write(toFile: "\(folder.path)/kubeconfig", atomically: true, encoding: .utf8)
  }

  func startPrometheus() async throws -> Prometheus {
    try await Prometheus(receivingAt: prometheusAddress, folder: folder, transport: transport)
  }

  /// - Parameter url: the URL of the receiver; `nil` for Prometheus.
  func startController(
    _ name: String = "controller", mode: String = "both", url: String? = nil, _ more: [String] = []
  ) async throws -> PushController {
    let address = OwnAddress()
    try FileManager.default.createDirectory(atPath: "\(folder.path)/\(name).spool", withIntermediateDirectories: true)
    let program = try ExternalProgram(
      try builtExecutable("rollcall"),
      [
        "controller", "--kubeconfig", "\(folder.path)/kubeconfig", "--namespace", "rollcall", "--listen", "\(address)",
        "--interval", "1s", "--threshold", "1h", "--grace", "0s", "--allow-loopback-targets", "--listen-tls", "off", "--virtual-staleness",
        "1h",
        "--identity", name, "--virtual-mode", mode, "--remote-write-url", url ?? "http://\(prometheusAddress)/api/v1/write",
        "--external-labels", "cluster=east", "--push-samples-per-send", "10", "--push-send-deadline", "100ms", "--push-shards", "2",
        "--push-memory", "2KB", "--push-spool-dir", "\(folder.path)/\(name).spool",
      ] + more, log: "\(folder.path)/\(name).log")
    try await program.waitForPort(address)
    return PushController(program, at: address, transport: transport)
  }

  /// Starts a TLS proxy in front of Prometheus.
  /// - Parameter conditions: the nginx directives that reject requests.
  /// - Returns: the URL of the proxy.
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

  /// The subjects of the client certificates of accepted requests, in order.
  var acceptedClients: [Substring] {
    let log = (receiver?.folder.path).flatMap { try? String(contentsOfFile: "\($0)/clients.log", encoding: .utf8) } ?? ""
    return log.split(separator: "\n").filter { $0.hasPrefix("204 ") }.map { $0.dropFirst(4) }
  }

  /// The number of successful responses of each pod.
  var responseCounts: [String: Int] {
    nginx.accessLog.reduce(into: [:]) { counts, line in
      if let pod = Self.pod(in: line, status: 200) { counts["pod-\(pod)", default: 0] += 1 }
    }
  }

  /// Makes all pods respond with 404, and waits until each has done so: the calls of a node do not overlap, so all earlier responses are
  /// processed.
  func hideMetrics() async throws {
    try FileManager.default.moveItem(atPath: "\(nginx.folder.path)/pods", toPath: "\(nginx.folder.path)/hidden")
    let known = nginx.accessLog.count
    try await eventually("every pod has responded with 404 twice") {
      let refused = nginx.accessLog.dropFirst(known).compactMap { Self.pod(in: $0, status: 404) }
      return (0..<pods).allSatisfy { pod in refused.count { $0 == "\(pod)" } >= 2 }
    }
  }

  func showMetrics() throws {
    try FileManager.default.moveItem(atPath: "\(nginx.folder.path)/hidden", toPath: "\(nginx.folder.path)/pods")
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

  private static func metrics(of number: Int) -> String {
    """
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="app",cpu="total",id="/app"} \(number)
    # TYPE container_memory_rss gauge
    container_memory_rss{container="app",id="/app"} \(number * 4096)
    # TYPE container_processes gauge
    container_processes{container="app",id="/app"} 3
    # TYPE container_spec_cpu_shares gauge
    container_spec_cpu_shares{container="app",id="/app",image="from-the-body"} 1024

    """
  }

  private func pod(_ number: Int) -> JSONValue {
    VirtualNodeObjects.pod("pod-\(number)", on: "v0", ip: nginx.host, cadvisor: "http://:\(nginx.port)/\(number)/metrics/cadvisor")
  }
}
