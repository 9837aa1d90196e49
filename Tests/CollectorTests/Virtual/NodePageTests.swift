import Exposition
import HTTPTransport
import Roll
import TestSupport
import Testing

@testable import Collector

/// What is served for a node: how much, and in which format.
@Suite struct NodePageTests {
  private static func body(_ series: Int) -> String {
    "# TYPE container_a gauge\n" + (0..<series).map { "container_a{container=\"web\",i=\"\($0)\"} 1\n" }.joined()
  }

  private static func key(_ pod: String) -> VirtualScrapeCache.Key { VirtualScrapeCache.Key(namespace: "shop", pod: pod) }

  private static func store(_ pods: KeyValuePairs<String, Int>, _ cache: VirtualScrapeCache) throws {
    for (pod, series) in pods {
      cache.store(try ingest(body(series), [rollEntry("shop/\(pod)/web")], sharing: cache).scrape, key(pod), of: "n")
    }
  }

  private static func served(_ cache: VirtualScrapeCache) -> Int {
    cache.snapshot(of: "n")?.text.split(separator: "\n").count { !$0.hasPrefix("#") } ?? 0
  }

  @Test func `R94: the largest pod is left out of a response that would have too many samples`() throws {
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60), budget: PageBudget(samples: 100, bytes: 1 << 20))
    try Self.store(["large": 70, "small-0": 20, "small-1": 20], cache)
    #expect(cache.leftOut(of: "n").keys.map(\.pod) == ["large"])
    #expect(cache.leftOut(of: "n")[Self.key("large")]?.contains("more than 100 samples") == true)
    #expect(Self.served(cache) == 40)
    // The next rounds change nothing.
    for _ in 0..<3 { try Self.store(["small-1": 20, "large": 70, "small-0": 20], cache) }
    #expect(cache.leftOut(of: "n").keys.map(\.pod) == ["large"])
    // It is served again once it fits, and forgotten when it is gone.
    try Self.store(["large": 60], cache)
    #expect(cache.leftOut(of: "n").isEmpty && Self.served(cache) == 100)
    try Self.store(["large": 61], cache)
    #expect(cache.leftOut(of: "n").count == 1)
    cache.retain([Self.key("small-0"), Self.key("small-1")], of: "n")
    #expect(cache.leftOut(of: "n").isEmpty && Self.served(cache) == 40)
  }

  @Test func `R94: pods of about the same size do not replace each other`() throws {
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60), budget: PageBudget(samples: 100, bytes: 1 << 20))
    try Self.store(["a": 40, "b": 45, "c": 42], cache)
    #expect(cache.leftOut(of: "n").keys.map(\.pod) == ["c"])
    try Self.store(["a": 40, "b": 45, "c": 38], cache)
    #expect(cache.leftOut(of: "n").keys.map(\.pod) == ["c"])
  }

  @Test func `R94: the response is never larger than the budget in bytes`() throws {
    let limit = 20_000
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60), budget: PageBudget(samples: 1 << 20, bytes: limit))
    for pod in 0..<40 { try Self.store(["pod-\(pod)": 10 + pod % 3], cache) }
    let bytes = cache.snapshot(of: "n")?.text.utf8.count ?? 0
    #expect(bytes <= limit && bytes > limit * 3 / 4)
    #expect(cache.leftOut(of: "n").values.allSatisfy { $0.contains("more than \(limit) bytes") })
    #expect(cache.leftOut(of: "n").count + cache.count == 40)
  }

  @Test func `R94: who is left out of a node's response is TooLarge by name`() async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        try connection.respond(status: 200, body: Self.body(request.target.contains("large") ? 80 : 30))
      }
    }
    defer { server.stop() }
    var settings = VirtualSettings()
    settings.endpoint.port = server.port
    settings.allowsLoopback = true
    settings.deadline = .seconds(60)
    settings.nodeBudget = PageBudget(samples: 100, bytes: 1 << 20)
    let collector = VirtualCollector(
      transport: try HTTPTransport(), settings: settings,
      endpoints: VirtualEndpointOverrides(ofNode: { _, endpoint in endpoint }) { _, pod, ofNode in
        var endpoint = ofNode
        endpoint.path = "/\(pod)"
        return endpoint
      })
    let entries = ["small-0", "large", "small-1"].map { rollEntry("shop/\($0)/web", ip: "127.0.0.1") }
    let answers = await collector.call(nodeRoll(.virtual, entries)).answers
    #expect(answers.map(\.reason) == [nil, .tooLarge, nil], "\(answers)")
    #expect(answers[1].detail.contains("80 samples"))
  }

  @Test func `R95: quoted names are served in a form that the client accepts`() throws {
    let body = """
      # HELP "queue.depth" Of the add-on.
      # TYPE "queue.depth" gauge
      {"queue.depth","tier.name"="hot",tier_name="x"} 3
      queue_depth 4
      container_a{"ü"="1"} 5

      """
    var settings = VirtualSettings()
    settings.families = .everything
    settings.feedsSink = true
    var ingest = ScrapeIngest(settings: settings)
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60))
    var pushed: [String] = []
    let labels = PodLabels(node: "n", entries: [rollEntry("shop/web-0/web")], isOfOnePod: true)
    let scrape = try ingest.ingest(Array(body.utf8), labels: labels, Freshness(limit: .seconds(60)), sharing: cache.shapes) { scrape in
      scrape.samples { pushed.append(String(decoding: $0.family, as: UTF8.self)) }
      for set in 0..<scrape.labelSetCount { scrape.labels(ofSet: set) { name, _ in pushed.append(String(decoding: name, as: UTF8.self)) } }
    }.scrape
    cache.store(scrape, Self.key("web-0"), of: "n")
    let snapshot = try #require(cache.snapshot())
    let own = #"namespace="shop",pod="web-0",node="n""#
    #expect(
      text(GroupedExposition(snapshot, names: .quoted)) == """
        container_a{"ü"="1",\(own)} 5
        # HELP "queue.depth" Of the add-on.
        # TYPE "queue.depth" gauge
        {"queue.depth","tier.name"="hot",tier_name="x",\(own)} 3
        queue_depth{\(own)} 4

        """)
    #expect(
      text(GroupedExposition(snapshot)) == """
        container_a{_="1",\(own)} 5
        # HELP U__queue_2e_depth Of the add-on.
        # TYPE U__queue_2e_depth gauge
        U__queue_2e_depth{U__tier_2e_name="hot",tier_name="x",\(own)} 3
        queue_depth{\(own)} 4

        """)
    #expect(
      pushed.allSatisfy { name in name.utf8.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: ".") } } && pushed.contains("U__queue_2e_depth"))
  }

  private func text(_ exposition: GroupedExposition) -> String {
    var exposition = exposition
    var bytes: [UInt8] = []
    while exposition.withNextChunk({ bytes.append(contentsOf: $0) }) != nil {}
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test(
    arguments: [
      (nil, nil), ("text/plain", nil), ("TEXT/PLAIN; charset=utf-8", nil), ("text/plain;version=1.0.0", nil), ("", nil),
      ("application/openmetrics-text; version=1.0.0; charset=utf-8", .badExposition), ("text/html", .badExposition),
      ("application/json", .badExposition), ("application/vnd.google.protobuf", .badExposition),
    ] as [(String?, Reason?)])
  func `R95: a response is read by its Content-Type`(type: String?, reason: Reason?) async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        // Not OpenMetrics: its last line is not `# EOF`.
        try connection.respond(
          status: 200, headers: type.map { [("Content-Type", $0)] } ?? [], body: "container_a{container=\"web\"} 1\n")
      }
    }
    defer { server.stop() }
    var settings = VirtualSettings()
    settings.endpoint.port = server.port
    settings.allowsLoopback = true
    settings.deadline = .seconds(60)
    for scope in VirtualEndpoint.Scope.allCases {
      settings.endpoint.scope = scope
      let collector = VirtualCollector(transport: try HTTPTransport(), settings: settings)
      let answers = await collector.call(nodeRoll(.virtual, [rollEntry("shop/web-0/web", ip: "127.0.0.1")])).answers
      #expect(answers.map(\.reason) == [reason], "\(answers)")
    }
  }

  @Test func `R95: OpenMetrics times are seconds`() throws {
    let body = """
      # TYPE container_cpu_usage_seconds counter
      container_cpu_usage_seconds_total{container="web",cpu="total"} 12.5 500
      container_old{container="web"} 1 -500
      # EOF

      """
    var ingest = ScrapeIngest(settings: VirtualSettings())
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60))
    let labels = PodLabels(node: "n", entries: [rollEntry("shop/web-0/web")], isOfOnePod: true)
    let freshness = Freshness(sent: 510_000, limit: .seconds(60))
    let (scrape, findings) = try ingest.ingest(Array(body.utf8), .openMetrics, labels: labels, freshness, sharing: cache.shapes)
    #expect(findings.answer(for: 0, named: "web", freshness) == .collected(age: .seconds(10)))
    #expect(scrape.seriesCount == 1 && scrape.cpuUsages().map(\.time) == [500_000])
  }
}
