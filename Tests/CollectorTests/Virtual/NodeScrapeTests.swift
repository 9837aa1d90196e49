import Exposition
import HTTPTransport
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Collector

/// Nodes that serve the metrics of all their pods in one response.
@Suite struct NodeScrapeTests {
  /// A body grouped by family, as a kubelet's: `series` samples of each pod.
  private static func body(_ pods: [(name: String, series: Int)]) -> String {
    var body = "# HELP container_last_seen Last seen.\n# TYPE container_last_seen gauge\n"
    for pod in pods { body += "container_last_seen{container=\"app\",namespace=\"shop\",pod=\"\(pod.name)\"} 1 1795218028337\n" }
    body += "container_last_seen{id=\"/\"} 2\n# TYPE container_long gauge\n"
    let wide = String(repeating: "x", count: 200)
    for pod in pods {
      for number in 1..<max(pod.series, 1) {
        body += "container_long{container=\"app\",namespace=\"shop\",pod=\"\(pod.name)\",a=\"\(wide)\",i=\"\(number)\"} \(number)\n"
      }
    }
    return body
  }

  private static func collector(port: Int, change: (inout VirtualSettings) -> Void = { _ in }) throws -> VirtualCollector {
    var settings = VirtualSettings()
    settings.endpoint.port = port
    settings.endpoint.scope = .node
    // The samples have old timestamps.
    settings.stalenessLimit = .seconds(1 << 30)
    settings.connectTimeout = .seconds(60)
    settings.deadline = .seconds(60)
    settings.allowsLoopback = true
    change(&settings)
    return VirtualCollector(transport: try HTTPTransport(), settings: settings)
  }

  @Test
  func `R40: a node's response of 7 MB is split by pod, and a pod that is too large affects only itself`() async throws {
    var pods = (0..<60).map { (name: "pod-\($0)", series: 400) }
    pods[7].series = 1200
    pods.append((name: "stranger", series: 2))
    let body = Self.body(pods)
    #expect(body.utf8.count > 6_500_000)
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: body) }
    }
    defer { server.stop() }
    let collector = try Self.collector(port: server.port) { $0.limits.series = 1000 }
    let entries = (0..<61).map { rollEntry("shop/pod-\($0)/app", id: "") }
    let call = await collector.call(nodeRoll(.virtual, entries))
    for (index, answer) in call.answers.enumerated() {
      switch index {
      case 7: #expect(answer.reason == .tooLarge && answer.detail.contains("more than 1000 series"), "\(answer)")
      case 60: #expect(answer.reason == .notInResponse, "\(answer)")
      default: #expect(answer.reason == nil, "\(index): \(answer)")
      }
    }
    #expect(server.requests.map(\.target) == ["/metrics/cadvisor?nodeName=node-1"])

    // Each pod has its own scrape, all with the same shape. So have the series without a known pod.
    let snapshot = try #require(collector.cache.snapshot(of: "node-1"))
    #expect(snapshot.scrapeCount == 60)
    #expect(collector.cache.shapes.count == 2)
    let served = snapshot.text.split(separator: "\n")
    #expect(served.count { $0.contains("pod=\"pod-3\"") } == 400)
    #expect(served.count { $0.contains("pod=\"pod-7\"") } == 0)
    #expect(served.count { $0.contains("pod=\"stranger\"") } == 2)
    #expect(served.contains("container_last_seen{id=\"/\",node=\"node-1\"} 2"))
    #expect(served.contains("container_last_seen{container=\"app\",namespace=\"shop\",pod=\"pod-0\",node=\"node-1\"} 1 1795218028337"))
    #expect(served.contains("# HELP container_last_seen Last seen."))

    // The scrape of a pod that leaves the roll is removed.
    _ = await collector.call(nodeRoll(.virtual, Array(entries[..<2])))
    #expect(collector.cache.snapshot(of: "node-1")?.scrapeCount == 3)
  }

  @Test func `several nodes can share an address`() async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let node = request.target.split(separator: "=").last.map(String.init) ?? ""
        try connection.respond(status: 200, body: Self.body([(name: "pod-of-\(node)", series: 1)]))
      }
    }
    defer { server.stop() }
    let collector = try Self.collector(port: server.port)
    for node in ["v-1", "v-2"] {
      let roll = NodeRoll(
        node: node, source: .virtual, address: "127.0.0.1", nodeReady: true, entries: [rollEntry("shop/pod-of-\(node)/app")], exempt: [],
        hash: "")
      #expect(await collector.call(roll).answers.map(\.reason) == [nil])
      let snapshot = try #require(collector.cache.snapshot(of: node))
      #expect(snapshot.text.contains("pod=\"pod-of-\(node)\",name=\"id-app\",id=\"/id-app\",node=\"\(node)\""))
    }
    #expect(server.requests.map(\.target) == ["/metrics/cadvisor?nodeName=v-1", "/metrics/cadvisor?nodeName=v-2"])
  }

  @Test(
    arguments: [
      ("container_a{container=\"app\",pod=\"pod-0\"} 1\noops\n", Reason.badExposition),
      ("container_a{container=\"app\",pod=\"pod-0\"", .badExposition),
      (String(repeating: "#\n", count: 1000), .tooLarge),
      ((0..<40).map { "container_a{pod=\"pod-0\",i=\"\($0)\"} 1\n" }.joined(), .tooLarge),
    ] as [(String, Reason)])
  func `R40, R43: a rejected response is a miss for all pods of the node`(body: String, reason: Reason) async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: body) }
    }
    defer { server.stop() }
    let collector = try Self.collector(port: server.port) { $0.nodeLimits = ExpositionLimits(bytes: 1900, labelSetBytes: 400) }
    let call = await collector.call(nodeRoll(.virtual, [rollEntry("shop/pod-0/app"), rollEntry("shop/pod-1/app")]))
    #expect(call.answers.map(\.reason) == [reason, reason], "\(call.answers)")
    #expect(collector.cache.snapshot(of: "node-1")?.scrapeCount ?? 0 == 0)
  }

  @Test(.enabled(if: Nginx.isInstalled && Certificates.isPossible))
  func `a node's certificate is verified, and only a node over TLS receives the token`() async throws {
    let certificates = try await Certificates()
    let token = try certificates.folder.write("secret\n", to: "token")
    let server = """
      if ($http_authorization != "Bearer secret") { return 401; }
      root $folder;
      """
    let nginx = try await Nginx(
      files: ["metrics/cadvisor": Self.body([(name: "pod-0", series: 1)])],
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
      return await collector.call(nodeRoll(.virtual, [rollEntry("shop/pod-0/app")], address: address)).answers.first?.reason
    }
    let host = "\(nginx.network).2"
    #expect(try await reason(host) { ($0.endpoint.scheme, $0.verifiesCertificates) = ("https", false) } == nil)
    // The certificate's CA is not trusted. With a trusted CA, its name does not match.
    #expect(try await reason(host) { $0.endpoint.scheme = "https" } == .endpointUnreachable)
    #expect(
      try await reason(host) {
        $0.endpoint.scheme = "https"
        $0.certificateAuthorities = .file(certificates.path("ca", "crt"))
      } == .endpointUnreachable)
    // The token is not sent in plain text, and never to a pod.
    #expect(try await reason(nginx.host) { _ in } == .badExposition)
    let collector = try Self.collector(port: nginx.port) {
      $0.nodeTokenFile = token
      ($0.endpoint.scheme, $0.endpoint.scope, $0.verifiesCertificates) = ("https", .pods, false)
    }
    #expect(await collector.call(nodeRoll(.virtual, [rollEntry("shop/pod-0/app", ip: host)])).answers.map(\.reason) == [.badExposition])
  }

  @Test func `the sink receives a node's scrape by pod`() throws {
    var settings = VirtualSettings()
    settings.feedsSink = true
    var ingest = ScrapeIngest(settings: settings, isOfNode: true)
    let labels = PodLabels(node: "n", entries: [rollEntry("shop/pod-0/app"), rollEntry("shop/pod-1/app")], isOfOnePod: false)
    // The second ingest must not contain anything of the first.
    for names in [["pod-0", "pod-1"], ["pod-1"]] {
      ingest.begin(.text, labels, Freshness(limit: .seconds(60)))
      for byte in Self.body(names.map { (name: $0, series: 3) }).utf8 { try ingest.parse([byte]) }
      var collected: [String: Int] = [:]
      var stored: [String: Int] = [:]
      let parts = try ingest.finish(sharing: ShapeRegistry()) { pod, scrape in
        collected[pod.map { labels.pods[$0].pod } ?? "", default: 0] += scrape.sampleCount
      } store: { pod, scrape in
        stored[pod.map { labels.pods[$0].pod } ?? "", default: 0] += scrape.seriesCount
      }
      var expected = Dictionary(uniqueKeysWithValues: names.map { ($0, 3) })
      expected[""] = 1
      #expect(collected == expected)
      #expect(stored == expected)
      #expect(parts.tooLarge == [nil, nil])
    }
  }
}
