import Collector
import Exposition
import HTTPTransport
import Roll
import Synchronization
import TestSupport
import Testing

@Suite struct VirtualCollectorTests {
  @Test(.enabled(if: Nginx.isInstalled))
  func `each pod is scraped on its own, from a real server`() async throws {
    let path = "metrics/cadvisor"
    // The last byte of a pod's address is the name of its folder.
    let nginx = try await Nginx(
      files: [
        "1/\(path)": cadvisorBody(pod: "good-0", containers: ["web", "sidecar"]),
        "2/\(path)": cadvisorBody(pod: "half-0", containers: ["web"]),
        "3/\(path)": cadvisorBody(pod: "old-0", containers: ["web"], hasOldLabels: true),
        "4/\(path)": "# HELP machine_cpu_cores Number of logical CPU cores.\nmachine_cpu_cores 2\n",
        "5/\(path)": "<html><body>It works!</body></html>\n",
        // Long before the Date header of nginx.
        "7/\(path)": cadvisorBody(pod: "frozen-0", containers: ["web"], timestamp: 1_500_000_000_000),
      ],
      servers: """
        map $server_addr $pod { "~\\.(?<last>[0-9]+)$" $last; }
        server { \((1...7).map { "listen $network.\($0):$port; " }.joined()) root $folder/$pod; }
        """)
    func ip(_ number: Int) -> String { "\(nginx.network).\(number)" }
    let entries = [
      rollEntry("shop/good-0/web", ip: ip(1)), rollEntry("shop/good-0/sidecar", ip: ip(1)),
      rollEntry("shop/half-0/web", ip: ip(2)), rollEntry("shop/half-0/gone", ip: ip(2)),
      rollEntry("shop/old-0/web", ip: ip(3)),
      rollEntry("shop/empty-0/web", ip: ip(4)),
      rollEntry("shop/junk-0/web", ip: ip(5)),
      rollEntry("shop/missing-0/web", ip: ip(6)),
      rollEntry("shop/frozen-0/web", ip: ip(7)),
      rollEntry("shop/down-0/web", ip: ip(8)),
      rollEntry("shop/waiting-0/web", ip: nil),
      rollEntry("shop/strange-0/web", ip: ip(1) + "/../x"),
    ]
    let call = try await collector(port: nginx.port).call(nodeRoll(.virtual, entries, address: nil))
    #expect(
      call.answers.map(\.reason) == [
        nil, nil, nil, .notInResponse, nil, .notInResponse, .badExposition, .badExposition, .staleData, .endpointUnreachable,
        .endpointUnreachable, .endpointUnreachable,
      ])
    #expect(call.answers[3].detail.contains("none of container gone"))
    #expect(call.answers[5].detail.contains("no container series"))
    #expect(call.answers[6].detail.contains("line 1"))
    #expect(call.answers[7].detail.contains("status 404"))
    #expect(call.answers[10].detail.contains("shop/waiting-0 has no address"))
    #expect(call.answers[11].detail.contains("not an IP address"))
    #expect(call.lastScrape == .never)
    #expect(try await nginx.accessLog(of: 7).count { $0.contains("\"GET /metrics/cadvisor HTTP/1.1\" 200 \"gzip\" \"60.0\"") } == 6)
  }

  @Test(.enabled(if: Nginx.isInstalled)) func `R41: a pod that hangs delays no other pod`() async throws {
    let nginx = try await Nginx(
      files: ["metrics/cadvisor": cadvisorBody(pod: nil, containers: ["web"])],
      servers: "server { \((1...4).map { "listen $network.\($0):$port; " }.joined()) root $folder; }")
    let hanging = try ScriptedServer(on: .tcp(host: "\(nginx.network).9", port: nginx.port)) { connection in
      _ = try connection.readRequest()
      try connection.waitForClose()
    }
    let entries =
      [rollEntry("a/hangs-0/web", ip: "\(nginx.network).9")] + (1...4).map { rollEntry("a/pod-\($0)/web", ip: "\(nginx.network).\($0)") }
    async let call = collector(port: nginx.port) { settings in
      settings.deadline = .seconds(120)
      settings.maximumTransfers = 2
    }.call(nodeRoll(.virtual, entries))
    // All other pods were scraped through the other slot while this one still hangs.
    try await eventually("the other pods were asked") { nginx.accessLog.count == 4 && hanging.openConnections == 1 }
    hanging.stop()
    #expect(try await call.answers.map(\.reason) == [.badExposition, nil, nil, nil, nil])
  }

  @Test func `R41: a pod that does not respond in time is a timeout`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.waitForClose()
    }
    defer { server.stop() }
    let call = try await collector(port: server.port) { $0.deadline = .milliseconds(400) }
      .call(nodeRoll(.virtual, [rollEntry("a/b/c", ip: "127.0.0.1")]))
    #expect(call.answers.map(\.reason) == [.endpointTimeout])
  }

  @Test func `R41: concurrent transfers are bounded`() async throws {
    let counts = Mutex((active: 0, highest: 0))
    let body = cadvisorBody(pod: nil, containers: ["web"])
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        counts.withLock { counts in
          counts.active += 1
          counts.highest = max(counts.highest, counts.active)
        }
        try connection.wait(.milliseconds(5))
        counts.withLock { $0.active -= 1 }
        try connection.respond(status: 200, body: body)
      }
    }
    defer { server.stop() }
    let entries = (0..<40).map { rollEntry("a/pod-\($0)/web", ip: "127.0.0.1") }
    let call = try await collector(port: server.port) { $0.maximumTransfers = 3 }.call(nodeRoll(.virtual, entries))
    #expect(call.answers.allSatisfy { $0.reason == nil } && call.answers.count == 40)
    #expect(counts.withLock { $0.highest } <= 3)
    #expect(server.requests.count == 40)
  }

  @Test func `R42: loopback addresses are refused unless allowed, and redirects always`() async throws {
    let secret = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: 200, body: "container_last_seen{container=\"c\"} 1\n")
      }
    }
    let redirecting = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: 307, headers: [("Location", secret.url)])
      }
    }
    defer {
      secret.stop()
      redirecting.stop()
    }
    for address in ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "0.0.0.0", "::ffff:127.0.0.1"] {
      let call = try await collector(port: secret.port) { $0.allowsLoopback = false }.call(
        nodeRoll(.virtual, [rollEntry("a/b/c", ip: address)]))
      #expect(call.answers.map(\.reason) == [.endpointUnreachable], "\(call.answers)")
    }
    let redirected = try await collector(port: redirecting.port).call(nodeRoll(.virtual, [rollEntry("a/b/c", ip: "127.0.0.1")]))
    #expect(redirected.answers.map(\.reason) == [.badExposition])
    #expect(secret.acceptedConnections == 0)
  }

  @Test func `R40: a pod's response that is too large affects only that pod`() async throws {
    let sizes = Mutex([10, 100_000])
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        let size = sizes.withLock { $0.removeFirst() }
        try connection.respond(status: 200, body: String(repeating: "\n", count: size) + "container_last_seen{container=\"c\"} 1\n")
      }
    }
    defer { server.stop() }
    let call = try await collector(port: server.port) { settings in
      settings.limits.bytes = 1000
      settings.maximumTransfers = 1
    }.call(nodeRoll(.virtual, [rollEntry("a/small/c", ip: "127.0.0.1"), rollEntry("a/large/c", ip: "127.0.0.1")]))
    #expect(call.answers.map(\.reason) == [nil, .tooLarge])
  }

  @Test func `R41: pods that hang again leave most transfers to the others`() async throws {
    let body = cadvisorBody(pod: nil, containers: ["web"])
    let isReleased = Gate()
    // All eight hang the first time. They have a port of their own.
    let hanging = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.stall(until: isReleased)
    }
    let healthy = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: body) }
    }
    defer {
      isReleased.open()
      hanging.stop()
      healthy.stop()
    }
    var settings = VirtualSettings()
    settings.allowsLoopback = true
    settings.maximumTransfers = 8
    settings.deadline = .seconds(2)
    settings.scrapeWindow = .seconds(1)
    let endpoints = VirtualEndpointOverrides(ofNode: { _, endpoint in endpoint }) { _, pod, ofNode in
      var endpoint = ofNode
      endpoint.port = pod.hasPrefix("hangs") ? hanging.port : healthy.port
      return endpoint
    }
    let collector = VirtualCollector(transport: try HTTPTransport(), settings: settings, endpoints: endpoints)
    let entries =
      (0..<8).map { rollEntry("a/hangs-\($0)/web", ip: "127.0.0.1") } + (0..<20).map { rollEntry("a/healthy-\($0)/web", ip: "127.0.0.1") }
    let first = await collector.call(nodeRoll(.virtual, entries))
    #expect(first.answers.map(\.reason) == Array(repeating: .endpointTimeout, count: 8) + Array(repeating: nil, count: 20))
    #expect(hanging.acceptedConnections == 8)
    // Suspects get a quarter of the transfers: two are scraped before the scrape window ends.
    let second = await collector.call(nodeRoll(.virtual, entries))
    #expect(second.answers.map(\.reason) == first.answers.map(\.reason))
    #expect(hanging.acceptedConnections == 10)
    #expect(second.answers[..<8].count { $0.detail.contains("not asked this time") } == 6)
  }

  @Test(
    arguments: [
      ("container_a{container=\"c\"} 1\n", nil),
      ("container_a{container=\"c\"} 1\ncontainer_a{container=\"c\"} 2\n", .badExposition),
      ("container_a{container=\"c\",x=\"1\",y=\"\"} 1\ncontainer_a{x=\"1\",container=\"c\"} 2\n", .badExposition),
      ("container_a{container=\"c\"} one\n", .badExposition),
      ("container_a{container=\"c\"} 1 99999999999999999999\n", .badExposition),
      ("container_a{container=\"c\"} 1", nil),
      ("container_a{container=\"c\",__name__=\"up\"} 1\n", .badExposition),
      ("container_a{container=\"c\",container=\"d\"} 1\n", .badExposition),
      ("container_a{container=\"c\",x=\"\\xff\"} 1\n", .badExposition),
      ((0..<101).map { "container_a{container=\"c\",i=\"\($0)\"} 1\n" }.joined(), .tooLarge),
      ("container_a{container=\"c\",\((0..<64).map { "l\($0)=\"\"" }.joined(separator: ","))} 1\n", .tooLarge),
      ("container_a{container=\"c\",x=\"\(String(repeating: "x", count: 4097))\"} 1\n", .tooLarge),
      (String(repeating: "#\n", count: 10_001), .tooLarge),
    ] as [(String, Reason?)])
  func `R40, R43: the reason why a response is rejected`(text: String, reason: Reason?) async throws {
    // `\xff` stands for a byte that is not UTF-8.
    var bytes = Array(text.utf8)
    if let range = bytes.firstRange(of: Array("\\xff".utf8)) { bytes.replaceSubrange(range, with: [0xff]) }
    let body = bytes
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target == "/other" {
          try connection.respond(status: 200, body: "container_a{container=\"c\"} 1\n")
        } else {
          try connection.respond(status: 200, body: body)
        }
      }
    }
    defer { server.stop() }
    var settings = VirtualSettings()
    settings.endpoint.port = server.port
    settings.allowsLoopback = true
    settings.deadline = .seconds(60)
    settings.limits = ExpositionLimits(bytes: 20_000, series: 100)
    let collector = VirtualCollector(
      transport: try HTTPTransport(), settings: settings,
      endpoints: VirtualEndpointOverrides(ofNode: { _, endpoint in endpoint }) { _, pod, ofNode in
        var endpoint = ofNode
        if pod == "other" { endpoint.path = "/other" }
        return endpoint
      })
    let call = await collector.call(nodeRoll(.virtual, [rollEntry("a/b/c", ip: "127.0.0.1"), rollEntry("a/other/c", ip: "127.0.0.1")]))
    #expect(call.answers.map(\.reason) == [reason, nil], "\(call.answers)")
    // Nothing of a rejected response is served, and all of the other.
    #expect(collector.cache.snapshot()?.scrapeCount == (reason == nil ? 2 : 1))
  }

  /// The pod does not run on the virtual node, and may be gone if the roll is outdated.
  @Test func `R70: a pod of an unready node that does not respond is unreachable itself`() async throws {
    let call = try await collector(port: 1).call(nodeRoll(.virtual, [rollEntry("a/b/c", ip: nil)], ready: false))
    #expect(call.answers.map(\.reason) == [.endpointUnreachable])
    #expect(call.answers[0].detail.hasPrefix("the pod a/b has no address"))
  }

  private func collector(port: Int, settings change: (inout VirtualSettings) -> Void = { _ in }) throws -> VirtualCollector {
    var settings = VirtualSettings()
    settings.endpoint.port = port
    // Generous limits for busy machines.
    settings.connectTimeout = .seconds(60)
    settings.deadline = .seconds(60)
    settings.allowsLoopback = true
    change(&settings)
    return VirtualCollector(transport: try HTTPTransport(), settings: settings)
  }
}

/// The body of a cAdvisor within a pod. Without `pod` the series only have the container's name.
func cadvisorBody(pod: String?, containers: [String], hasOldLabels: Bool = false, timestamp: Int64? = nil) -> String {
  let container = hasOldLabels ? "container_name" : "container"
  let podLabels = pod.map { #",namespace="shop",\#(hasOldLabels ? "pod_name" : "pod")="\#($0)""# } ?? ""
  let time = timestamp.map { " \($0)" } ?? ""
  var body = """
    # HELP container_network_receive_bytes_total Cumulative count of bytes received
    # TYPE container_network_receive_bytes_total counter
    container_network_receive_bytes_total{\(container)="",id="/",interface="eth0"\(podLabels)} 1.0494e+06\(time)
    # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
    # TYPE container_cpu_usage_seconds_total counter

    """
  for name in containers {
    body += "container_cpu_usage_seconds_total{\(container)=\"\(name)\",cpu=\"total\",id=\"/\(name)\"\(podLabels)} 0.0625\(time)\n"
  }
  body += "# HELP container_spec_cpu_shares CPU share of the container.\n# TYPE container_spec_cpu_shares gauge\n"
  for name in containers {
    body += "container_spec_cpu_shares{\(container)=\"\(name)\",id=\"/\(name)\"\(podLabels)} 1024\n"
  }
  return body + "# HELP container_scrape_error 1 if there was an error\n# TYPE container_scrape_error gauge\ncontainer_scrape_error 0\n"
}
