import Collector
import Exposition
import HTTPTransport
import Roll
import Synchronization
import TestSupport
import Testing

@Suite struct VirtualCollectorTests {
  @Test("many pods from a real server, each with a fault of its own", .enabled(if: Nginx.isInstalled))
  func readsEachPodByItself() async throws {
    let path = "metrics/cadvisor"
    // The last number of a pod's address is the name of its folder.
    let nginx = try await Nginx(
      files: [
        "1/\(path)": cadvisorPage(pod: "good-0", containers: ["web", "sidecar"]),
        "2/\(path)": cadvisorPage(pod: "half-0", containers: ["web"]),
        "3/\(path)": cadvisorPage(pod: "old-0", containers: ["web"], hasOldLabels: true),
        "4/\(path)": "# HELP machine_cpu_cores Number of logical CPU cores.\nmachine_cpu_cores 2\n",
        "5/\(path)": "<html><body>It works!</body></html>\n",
        // Long before the Date that nginx sends.
        "7/\(path)": cadvisorPage(pod: "frozen-0", containers: ["web"], timestamp: 1_500_000_000_000),
      ],
      servers: """
        map $server_addr $pod { "~\\.(?<last>[0-9]+)$" $last; }
        server { \((1...7).map { "listen $network.\($0):$port; " }.joined()) root $folder/$pod; }
        """)
    func ip(_ number: Int) -> String { "\(nginx.network).\(number)" }
    let entries = [
      entry("shop/good-0/web", ip: ip(1)), entry("shop/good-0/sidecar", ip: ip(1)),
      entry("shop/half-0/web", ip: ip(2)), entry("shop/half-0/gone", ip: ip(2)),
      entry("shop/old-0/web", ip: ip(3)),
      entry("shop/empty-0/web", ip: ip(4)),
      entry("shop/junk-0/web", ip: ip(5)),
      entry("shop/missing-0/web", ip: ip(6)),
      entry("shop/frozen-0/web", ip: ip(7)),
      entry("shop/down-0/web", ip: ip(8)),
      entry("shop/waiting-0/web", ip: nil),
      entry("shop/strange-0/web", ip: ip(1) + "/../x"),
    ]
    let call = try await collector(port: nginx.port).call(roll(.virtual, entries, address: nil))
    #expect(
      call.answers.map(\.reason) == [
        nil, nil, nil, .notInResponse, nil, .notInResponse, .badExposition, .badExposition, .staleData, .endpointUnreachable,
        .endpointUnreachable, .endpointUnreachable,
      ])
    #expect(call.answers[3].detail.contains("none of container gone"))
    #expect(call.answers[5].detail.contains("no container series at all"))
    #expect(call.answers[6].detail.contains("line 1"))
    #expect(call.answers[7].detail.contains("status 404"))
    #expect(call.answers[10].detail.contains("shop/waiting-0 has no address"))
    #expect(call.answers[11].detail.contains("not an IP address"))
    #expect(call.lastScrape == .never)
    #expect(try await nginx.accessLog(of: 7).count { $0.contains("\"GET /metrics/cadvisor HTTP/1.1\" 200 \"gzip\" \"60.0\"") } == 6)
  }

  @Test("R41: a pod that hangs delays nobody", .enabled(if: Nginx.isInstalled)) func aHangingPod() async throws {
    let nginx = try await Nginx(
      files: ["metrics/cadvisor": cadvisorPage(pod: nil, containers: ["web"])],
      servers: "server { \((1...4).map { "listen $network.\($0):$port; " }.joined()) root $folder; }")
    let hanging = try ScriptedServer(on: .tcp(host: "\(nginx.network).9", port: nginx.port)) { connection in
      _ = try connection.readRequest()
      try connection.waitForClose()
    }
    let entries =
      [entry("a/hangs-0/web", ip: "\(nginx.network).9")] + (1...4).map { entry("a/pod-\($0)/web", ip: "\(nginx.network).\($0)") }
    async let call = collector(port: nginx.port) { settings in
      settings.deadline = .seconds(120)
      settings.maximumTransfers = 2
    }.call(roll(.virtual, entries))
    // All others are through while it still hangs, by way of the one other place.
    try await eventually("the other pods were asked") { nginx.accessLog.count == 4 && hanging.openConnections == 1 }
    hanging.stop()
    #expect(try await call.answers.map(\.reason) == [.badExposition, nil, nil, nil, nil])
  }

  @Test("R41: a pod that does not answer in time") func aSilentPod() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.waitForClose()
    }
    defer { server.stop() }
    let call = try await collector(port: server.port) { $0.deadline = .milliseconds(400) }
      .call(roll(.virtual, [entry("a/b/c", ip: "127.0.0.1")]))
    #expect(call.answers.map(\.reason) == [.endpointTimeout])
  }

  @Test("R41: transfers in flight are bounded") func boundsTransfers() async throws {
    let counts = Mutex((active: 0, highest: 0))
    let page = cadvisorPage(pod: nil, containers: ["web"])
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        counts.withLock { counts in
          counts.active += 1
          counts.highest = max(counts.highest, counts.active)
        }
        try connection.wait(.milliseconds(5))
        counts.withLock { $0.active -= 1 }
        try connection.respond(status: 200, body: page)
      }
    }
    defer { server.stop() }
    let entries = (0..<40).map { entry("a/pod-\($0)/web", ip: "127.0.0.1") }
    let call = try await collector(port: server.port) { $0.maximumTransfers = 3 }.call(roll(.virtual, entries))
    #expect(call.answers.allSatisfy { $0.reason == nil } && call.answers.count == 40)
    #expect(counts.withLock { $0.highest } <= 3)
    #expect(server.requests.count == 40)
  }

  @Test("R42: loopback addresses are refused unless allowed, and redirects always") func refusesWhatAPodMustNotChoose() async throws {
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
      let call = try await collector(port: secret.port) { $0.allowsLoopback = false }.call(roll(.virtual, [entry("a/b/c", ip: address)]))
      #expect(call.answers.map(\.reason) == [.endpointUnreachable], "\(call.answers)")
    }
    let redirected = try await collector(port: redirecting.port).call(roll(.virtual, [entry("a/b/c", ip: "127.0.0.1")]))
    #expect(redirected.answers.map(\.reason) == [.badExposition])
    #expect(secret.acceptedConnections == 0)
  }

  @Test("R40: a pod's page that is too large costs that pod only") func aHugePage() async throws {
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
    }.call(roll(.virtual, [entry("a/small/c", ip: "127.0.0.1"), entry("a/large/c", ip: "127.0.0.1")]))
    #expect(call.answers.map(\.reason) == [nil, .tooLarge])
  }

  @Test("R41: pods that hang again leave most transfers to the others") func hangingAgain() async throws {
    let page = cadvisorPage(pod: nil, containers: ["web"])
    let isReleased = Gate()
    // All eight hang at once the first time; they are at a port of their own.
    let hanging = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.stall(until: isReleased)
    }
    let sound = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: page) }
    }
    defer {
      isReleased.open()
      hanging.stop()
      sound.stop()
    }
    var settings = VirtualSettings()
    settings.allowsLoopback = true
    settings.maximumTransfers = 8
    settings.deadline = .seconds(2)
    settings.askingTime = .seconds(1)
    let endpoints = VirtualEndpointOverrides(ofNode: { _, endpoint in endpoint }) { _, pod, ofNode in
      var endpoint = ofNode
      endpoint.port = pod.hasPrefix("hangs") ? hanging.port : sound.port
      return endpoint
    }
    let collector = VirtualCollector(transport: try HTTPTransport(), settings: settings, endpoints: endpoints)
    let entries = (0..<8).map { entry("a/hangs-\($0)/web", ip: "127.0.0.1") } + (0..<20).map { entry("a/sound-\($0)/web", ip: "127.0.0.1") }
    let first = await collector.call(roll(.virtual, entries))
    #expect(first.answers.map(\.reason) == Array(repeating: .endpointTimeout, count: 8) + Array(repeating: nil, count: 20))
    #expect(hanging.acceptedConnections == 8)
    // A quarter of the transfers is theirs: two are asked before the time for it is over.
    let second = await collector.call(roll(.virtual, entries))
    #expect(second.answers.map(\.reason) == first.answers.map(\.reason))
    #expect(hanging.acceptedConnections == 10)
    #expect(second.answers[..<8].count { $0.detail.contains("not asked this time") } == 6)
  }

  @Test(
    "R40 and R43: what is refused of a page, and why",
    arguments: [
      ("container_a{container=\"c\"} 1\n", nil),
      ("container_a{container=\"c\"} 1\ncontainer_a{container=\"c\"} 2\n", .badExposition),
      ("container_a{container=\"c\",x=\"1\",y=\"\"} 1\ncontainer_a{x=\"1\",container=\"c\"} 2\n", .badExposition),
      ("container_a{container=\"c\"} one\n", .badExposition),
      ("container_a{container=\"c\"} 1 99999999999999999999\n", .badExposition),
      ("container_a{container=\"c\"} 1", .badExposition),
      ("container_a{container=\"c\",container=\"d\"} 1\n", .badExposition),
      ("container_a{container=\"c\",x=\"\\xff\"} 1\n", .badExposition),
      ((0..<101).map { "container_a{container=\"c\",i=\"\($0)\"} 1\n" }.joined(), .tooLarge),
      ("container_a{container=\"c\",\((0..<64).map { "l\($0)=\"\"" }.joined(separator: ","))} 1\n", .tooLarge),
      ("container_a{container=\"c\",x=\"\(String(repeating: "x", count: 4097))\"} 1\n", .tooLarge),
      (String(repeating: "#\n", count: 10_001), .tooLarge),
    ] as [(String, Reason?)])
  func refuses(page: String, reason: Reason?) async throws {
    // Text has no bytes that are not UTF-8: they are written as an escape here.
    var bytes = Array(page.utf8)
    if let place = bytes.firstRange(of: Array("\\xff".utf8)) { bytes.replaceSubrange(place, with: [0xff]) }
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
    let call = await collector.call(roll(.virtual, [entry("a/b/c", ip: "127.0.0.1"), entry("a/other/c", ip: "127.0.0.1")]))
    #expect(call.answers.map(\.reason) == [reason, nil], "\(call.answers)")
    // Nothing of a refused page is served, and all of the other.
    #expect(collector.pages.snapshot()?.pageCount == (reason == nil ? 2 : 1))
  }

  @Test func aNodeThatIsNotReadyIsTheReason() async throws {
    let call = try await collector(port: 1).call(roll(.virtual, [entry("a/b/c", ip: nil)], ready: false))
    #expect(call.answers.map(\.reason) == [.nodeNotReady])
    #expect(call.answers[0].detail.contains("EndpointUnreachable: the pod a/b has no address"))
  }

  private func collector(port: Int, settings change: (inout VirtualSettings) -> Void = { _ in }) throws -> VirtualCollector {
    var settings = VirtualSettings()
    settings.endpoint.port = port
    // A busy machine is no fault.
    settings.connectTimeout = .seconds(60)
    settings.deadline = .seconds(60)
    settings.allowsLoopback = true
    change(&settings)
    return VirtualCollector(transport: try HTTPTransport(), settings: settings)
  }
}

/// A page as the cAdvisor within one pod writes it. Without `pod` the series name the container only.
func cadvisorPage(pod: String?, containers: [String], hasOldLabels: Bool = false, timestamp: Int64? = nil) -> String {
  let container = hasOldLabels ? "container_name" : "container"
  let podLabels = pod.map { #",namespace="shop",\#(hasOldLabels ? "pod_name" : "pod")="\#($0)""# } ?? ""
  let time = timestamp.map { " \($0)" } ?? ""
  var page = """
    # HELP container_network_receive_bytes_total Cumulative count of bytes received
    # TYPE container_network_receive_bytes_total counter
    container_network_receive_bytes_total{\(container)="",id="/",interface="eth0"\(podLabels)} 1.0494e+06\(time)
    # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
    # TYPE container_cpu_usage_seconds_total counter

    """
  for name in containers {
    page += "container_cpu_usage_seconds_total{\(container)=\"\(name)\",cpu=\"total\",id=\"/\(name)\"\(podLabels)} 0.0625\(time)\n"
  }
  page += "# HELP container_spec_cpu_shares CPU share of the container.\n# TYPE container_spec_cpu_shares gauge\n"
  for name in containers {
    page += "container_spec_cpu_shares{\(container)=\"\(name)\",id=\"/\(name)\"\(podLabels)} 1024\n"
  }
  return page + "# HELP container_scrape_error 1 if there was an error\n# TYPE container_scrape_error gauge\ncontainer_scrape_error 0\n"
}
