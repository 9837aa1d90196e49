import Exposition
import HTTPTransport
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Collector

/// Nodes that answer for all their pods on one page.
@Suite struct NodePageTests {
  /// A page grouped by family, as a kubelet's is: `series` samples of each pod.
  private static func page(_ pods: [(name: String, series: Int)]) -> String {
    var page = "# HELP container_last_seen Last seen.\n# TYPE container_last_seen gauge\n"
    for pod in pods { page += "container_last_seen{container=\"app\",namespace=\"shop\",pod=\"\(pod.name)\"} 1 1795218028337\n" }
    page += "container_last_seen{id=\"/\"} 2\n# TYPE container_long gauge\n"
    let wide = String(repeating: "x", count: 200)
    for pod in pods {
      for number in 1..<max(pod.series, 1) {
        page += "container_long{container=\"app\",namespace=\"shop\",pod=\"\(pod.name)\",a=\"\(wide)\",i=\"\(number)\"} \(number)\n"
      }
    }
    return page
  }

  private static func collector(port: Int, change: (inout VirtualSettings) -> Void = { _ in }) throws -> VirtualCollector {
    var settings = VirtualSettings()
    settings.endpoint.port = port
    settings.endpoint.scope = .node
    // The pages are of a day that is over.
    settings.stalenessLimit = .seconds(1 << 30)
    settings.connectTimeout = .seconds(60)
    settings.deadline = .seconds(60)
    settings.allowsLoopback = true
    change(&settings)
    return VirtualCollector(transport: try HTTPTransport(), settings: settings)
  }

  @Test("R40: a page of nearly 7 MB is taken apart by pod as it arrives, and a pod that is too large costs itself only")
  func splitsByPod() async throws {
    var pods = (0..<60).map { (name: "pod-\($0)", series: 400) }
    pods[7].series = 1200
    pods.append((name: "stranger", series: 2))
    let page = Self.page(pods)
    #expect(page.utf8.count > 6_500_000)
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: page) }
    }
    defer { server.stop() }
    let collector = try Self.collector(port: server.port) { $0.limits.series = 1000 }
    let entries = (0..<61).map { entry("shop/pod-\($0)/app", id: "") }
    let call = await collector.call(roll(.virtual, entries))
    for (place, outcome) in call.answers.enumerated() {
      switch place {
      case 7: #expect(outcome.reason == .tooLarge && outcome.detail.contains("more than 1000 series"), "\(outcome)")
      case 60: #expect(outcome.reason == .notInResponse, "\(outcome)")
      default: #expect(outcome.reason == nil, "\(place): \(outcome)")
      }
    }
    #expect(server.requests.map(\.target) == ["/metrics/cadvisor?nodeName=node-1"])

    // Pods have pages of their own, of one shape; what is no pod's of the roll has one, too.
    let snapshot = try #require(collector.pages.snapshot(of: "node-1"))
    #expect(snapshot.pageCount == 60)
    #expect(collector.pages.shapes.count == 2)
    let served = snapshot.text.split(separator: "\n")
    #expect(served.count { $0.contains("pod=\"pod-3\"") } == 400)
    #expect(served.count { $0.contains("pod=\"pod-7\"") } == 0)
    #expect(served.count { $0.contains("pod=\"stranger\"") } == 2)
    #expect(served.contains("container_last_seen{id=\"/\",node=\"node-1\"} 2"))
    #expect(served.contains("container_last_seen{container=\"app\",namespace=\"shop\",pod=\"pod-0\",node=\"node-1\"} 1 1795218028337"))
    #expect(served.contains("# HELP container_last_seen Last seen."))

    // A pod that leaves the roll leaves the page.
    _ = await collector.call(roll(.virtual, Array(entries[..<2])))
    #expect(collector.pages.snapshot(of: "node-1")?.pageCount == 3)
  }

  @Test func severalNodesShareOneAddress() async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let node = request.target.split(separator: "=").last.map(String.init) ?? ""
        try connection.respond(status: 200, body: Self.page([(name: "pod-of-\(node)", series: 1)]))
      }
    }
    defer { server.stop() }
    let collector = try Self.collector(port: server.port)
    for node in ["v-1", "v-2"] {
      let roll = NodeRoll(
        node: node, source: .virtual, address: "127.0.0.1", nodeReady: true, entries: [entry("shop/pod-of-\(node)/app")], exempt: [],
        hash: "")
      #expect(await collector.call(roll).answers.map(\.reason) == [nil])
      let snapshot = try #require(collector.pages.snapshot(of: node))
      #expect(snapshot.text.contains("pod=\"pod-of-\(node)\",name=\"id-app\",id=\"/id-app\",node=\"\(node)\""))
    }
    #expect(server.requests.map(\.target) == ["/metrics/cadvisor?nodeName=v-1", "/metrics/cadvisor?nodeName=v-2"])
  }

  @Test(
    "R40, R43: a page that is refused is refused for all its pods",
    arguments: [
      ("container_a{container=\"app\",pod=\"pod-0\"} 1\noops\n", Reason.badExposition),
      ("container_a{container=\"app\",pod=\"pod-0\"} 1", .badExposition),
      (String(repeating: "#\n", count: 1000), .tooLarge),
      ((0..<40).map { "container_a{pod=\"pod-0\",i=\"\($0)\"} 1\n" }.joined(), .tooLarge),
    ] as [(String, Reason)])
  func refusesAPage(page: String, reason: Reason) async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: page) }
    }
    defer { server.stop() }
    let collector = try Self.collector(port: server.port) { $0.nodeLimits = ExpositionLimits(bytes: 1900, labelSetBytes: 400) }
    let call = await collector.call(roll(.virtual, [entry("shop/pod-0/app"), entry("shop/pod-1/app")]))
    #expect(call.answers.map(\.reason) == [reason, reason], "\(call.answers)")
    #expect(collector.pages.snapshot(of: "node-1")?.pageCount ?? 0 == 0)
  }

  @Test("a node behind TLS is checked, and gets the token that kubelets get", .enabled(if: Nginx.isInstalled && Certificates.isPossible))
  func asksKubelets() async throws {
    let certificates = try await Certificates()
    let token = try certificates.folder.write("secret\n", to: "token")
    let server = """
      if ($http_authorization != "Bearer secret") { return 401; }
      root $folder;
      """
    let nginx = try await Nginx(
      files: ["metrics/cadvisor": Self.page([(name: "pod-0", series: 1)])],
      servers: """
        server { listen $network.1:$port; \(server) }
        server { listen $network.2:$port ssl; ssl_certificate \(certificates.path("agent", "crt"));
          ssl_certificate_key \(certificates.path("agent", "key")); \(server) }
        """)
    func reason(_ address: String, _ change: (inout VirtualSettings) -> Void) async throws -> Reason? {
      let collector = try Self.collector(port: nginx.port) {
        $0.nodeTokenFile = token
        change(&$0)
      }
      return await collector.call(roll(.virtual, [entry("shop/pod-0/app")], address: address)).answers.first?.reason
    }
    let host = "\(nginx.network).2"
    #expect(try await reason(host) { ($0.endpoint.scheme, $0.verifiesCertificates) = ("https", false) } == nil)
    // The certificate is of an authority that nobody trusts; of one that is trusted it would still be another's.
    #expect(try await reason(host) { $0.endpoint.scheme = "https" } == .endpointUnreachable)
    #expect(
      try await reason(host) {
        $0.endpoint.scheme = "https"
        $0.certificateAuthorities = .file(certificates.path("ca", "crt"))
      } == .endpointUnreachable)
    // No token goes over the wire in clear, and none to a pod.
    #expect(try await reason(nginx.host) { _ in } == .badExposition)
    let collector = try Self.collector(port: nginx.port) {
      $0.nodeTokenFile = token
      ($0.endpoint.scheme, $0.endpoint.scope, $0.verifiesCertificates) = ("https", .pods, false)
    }
    #expect(await collector.call(roll(.virtual, [entry("shop/pod-0/app", ip: host)])).answers.map(\.reason) == [.badExposition])
  }

  @Test func partsAreHandedOverByPod() throws {
    var settings = VirtualSettings()
    settings.handsOver = true
    var intake = ScrapeIngest(settings: settings, isOfNode: true)
    let labels = PodLabels(node: "n", entries: [entry("shop/pod-0/app"), entry("shop/pod-1/app")], isOfOnePod: false)
    // Used twice: nothing of the first page is on the second.
    for names in [["pod-0", "pod-1"], ["pod-1"]] {
      intake.begin(labels, Freshness(limit: .seconds(60)))
      for byte in Self.page(names.map { (name: $0, series: 3) }).utf8 { try intake.read([byte]) }
      var handed: [String: Int] = [:]
      var stored: [String: Int] = [:]
      let parts = try intake.finish(sharing: ShapeRegistry()) { pod, page in
        handed[pod.map { labels.pods[$0].pod } ?? "", default: 0] += page.sampleCount
      } store: { pod, page in
        stored[pod.map { labels.pods[$0].pod } ?? "", default: 0] += page.seriesCount
      }
      var expected = Dictionary(uniqueKeysWithValues: names.map { ($0, 3) })
      expected[""] = 1
      #expect(handed == expected)
      #expect(stored == expected)
      #expect(parts.tooLarge == [nil, nil])
    }
  }
}
