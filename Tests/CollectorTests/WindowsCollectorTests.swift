import Collector
import Exposition
import HTTPTransport
import Roll
import TestSupport
import Testing

@Suite struct WindowsCollectorTests {
  private static let frontend = String(repeating: "1a", count: 32)
  private static let worker = String(repeating: "2b", count: 32)

  /// The first two are in the response of every version, the third in none.
  private static let entries = [
    rollEntry("web/frontend-0/iis", id: frontend), rollEntry("web/worker-0/app", id: worker),
    rollEntry("web/late-0/app", id: String(repeating: "3c", count: 32)),
  ]

  @Test(.enabled(if: Nginx.isInstalled), arguments: ["0.20", "0.31", "0.32"])
  func `containers are found in every exporter version, from a real server`(version: String) async throws {
    let nginx = try await Nginx(
      files: ["metrics": windowsPage(version: version, frontend: Self.frontend, worker: Self.worker)],
      servers: "server { listen $network.1:$port; root $folder; }")
    let call = try await collector(port: nginx.port).call(
      nodeRoll(.windows, Self.entries, address: nginx.host))
    #expect(call.answers.map(\.reason) == [nil, nil, .notInResponse])
    #expect(call.answers[2].detail.contains("none of the 2 containers in the response has container_id"))
    #expect(call.lastScrape == .notObservable)
    #expect(try await nginx.accessLog(of: 1) == [#"\#(nginx.host) "GET /metrics?collect%5B%5D=container HTTP/1.1" 200 "gzip" "60.0""#])
  }

  @Test(
    arguments: [
      (#"windows_exporter_collector_success{collector="container"} 0"#, Reason.collectorFailed, "its collector container failed"),
      (
        #"windows_exporter_collector_timeout{collector="container"} 1"#, .collectorFailed, "its collector container timed out"
      ),
      (#"windows_exporter_collector_success{collector="service"} 0"#, .notInResponse, "no windows_container series"),
      (#"windows_exporter_collector_timeout{collector="container"} 0"#, .notInResponse, "--collectors.enabled=[defaults],container"),
      ("windows_container_count 0", .notInResponse, "none of the 0 containers"),
      (#"windows_container_available{container_id="docker://other"} 1"#, .notInResponse, "none of the 1 containers"),
      ("", .notInResponse, "no windows_container series"),
      ("<html>login</html>", .badExposition, "line 1: expected a metric name"),
      ("a 1\na{", .badExposition, "line 2: expected a label name"),
      ("a 1\na 2\n", .badExposition, "line 2: duplicate series a"),
    ])
  func `R43, R44: the reason why a container is missing`(body: String, reason: Reason, detail: String) async throws {
    let server = try serving(body.contains("\n") || body.isEmpty ? body : body + "\n")
    defer { server.stop() }
    let answers = try await collector(port: server.port).call(nodeRoll(.windows, Self.entries)).answers
    #expect(answers.count == 3)
    for answer in answers {
      #expect(answer.reason == reason && answer.detail.contains(detail), "\(answer)")
    }
  }

  @Test(arguments: [true, false])
  func `R100: an exporter without its container collector answers 400, and is up`(isExporter: Bool) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let isWhole = isExporter && !request.target.contains("collect")
        try connection.respond(
          status: isWhole ? 200 : 400,
          body: isWhole ? "windows_exporter_build_info{version=\"0.31.3\"} 1\nwindows_cs_hostname 1\n" : "unknown collector container")
      }
    }
    defer { server.stop() }
    let statuses = ExporterStatusStore()
    var settings = WindowsSettings()
    settings.endpoint.port = server.port
    settings.deadline = .seconds(60)
    settings.allowsLoopback = true
    let collector = WindowsCollector(transport: try HTTPTransport(), settings: settings, statuses: statuses)
    let answers = await collector.call(nodeRoll(.windows, Self.entries)).answers
    #expect(answers.allSatisfy { $0.reason == (isExporter ? .notInResponse : .badExposition) }, "\(answers)")
    #expect(answers[0].detail.contains(isExporter ? "--collectors.enabled=[defaults],container" : "status 400 instead of 200"))
    let status = try #require(statuses.status(of: "node-1"))
    #expect(status.failure == (isExporter ? nil : .badExposition))
    #expect(status.health?.version == (isExporter ? "0.31.3" : nil))
  }

  /// A Node's address may be that of any server, and the detail is read by others.
  @Test(arguments: [
    (200, "text/plain", "password: hunter2\n"), (200, "text/plain", "# TYPE hunter2 hunter2\n"), (200, "text/plain", "m 1 hunter2\n"),
    (200, "text/plain", "hunter2\n"), (200, "text/plain", "m{hunter2\n"), (200, "hunter2; charset=hunter2", "m 1\n"),
    (200, "text/html;hunter2", "m 1\n"), (401, "text/plain", "hunter2"), (500, "application/json", "{\"password\":\"hunter2\"}"),
  ])
  func `R107: the detail of a miss quotes nothing of a response that is no exposition`(
    status: Int, contentType: String, body: String
  ) async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: status, headers: [("Content-Type", contentType)], body: body)
      }
    }
    defer { server.stop() }
    let answers = try await collector(port: server.port).call(nodeRoll(.windows, Self.entries)).answers
    for answer in answers {
      #expect(answer.reason == .badExposition)
      #expect(!answer.detail.isEmpty && !answer.detail.contains("hunter2"), "\(answer)")
    }
  }

  @Test func `a failed collector does not affect a container that has series`() async throws {
    let server = try serving(
      """
      windows_exporter_collector_success{collector="container"} 0
      windows_container_available{container_id="docker://\(Self.worker)"} 1

      """)
    defer { server.stop() }
    let call = try await collector(port: server.port).call(nodeRoll(.windows, Self.entries))
    #expect(call.answers.map(\.reason) == [.collectorFailed, nil, .collectorFailed])
  }

  @Test(arguments: [204, 302, 400, 404, 503])
  func `R42: any other status is a failure, and redirects are not followed`(status: Int) async throws {
    let elsewhere = try serving("windows_container_count 0\n")
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: status, headers: [("Location", elsewhere.url)], body: status == 204 ? "" : "not enabled")
      }
    }
    defer {
      server.stop()
      elsewhere.stop()
    }
    let answers = try await collector(port: server.port).call(nodeRoll(.windows, Self.entries)).answers
    #expect(answers.map(\.reason) == [.badExposition, .badExposition, .badExposition])
    #expect(answers[0].detail.contains("status \(status) instead of 200"))
    #expect(elsewhere.acceptedConnections == 0)
  }

  @Test(arguments: [false, true])
  func `R41: an exporter that hangs before or within its response is a timeout`(sendsHead: Bool) async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      if sendsHead { try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nwindows_") }
      try connection.waitForClose()
    }
    defer { server.stop() }
    let call = try await collector(port: server.port) { $0.deadline = .milliseconds(400) }.call(nodeRoll(.windows, Self.entries))
    #expect(call.answers.map(\.reason) == [.exporterTimeout, .exporterTimeout, .exporterTimeout])
    #expect(server.requests.first?.header("X-Prometheus-Scrape-Timeout-Seconds") == "0.4")
  }

  @Test func `R41: a response that trickles in is a timeout`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
      try connection.sendSlowly(Array(repeating: UInt8(ascii: "\n"), count: 100_000), pause: .milliseconds(20))
    }
    defer { server.stop() }
    let call = try await collector(port: server.port) { $0.deadline = .milliseconds(500) }.call(nodeRoll(.windows, Self.entries))
    #expect(call.answers.map(\.reason) == [.exporterTimeout, .exporterTimeout, .exporterTimeout])
  }

  @Test func `a truncated response is rejected`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.send(
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nwindows_container_available{container_id=\"docker://\(Self.worker)\"} 1\n")
      connection.finish()
      try connection.waitForClose()
    }
    defer { server.stop() }
    let call = try await collector(port: server.port).call(nodeRoll(.windows, Self.entries))
    #expect(call.answers.map(\.reason) == [.badExposition, .badExposition, .badExposition])
  }

  @Test func `a connection closed between two calls is not a failure`() async throws {
    let server = try ScriptedServer { connection in
      _ = try connection.readRequest()
      try connection.respond(status: 200, body: "windows_container_available{container_id=\"docker://\(Self.worker)\"} 1\n")
    }
    defer { server.stop() }
    let collector = try collector(port: server.port)
    for _ in 0..<10 {
      #expect(await collector.call(nodeRoll(.windows, Self.entries)).answers[1] == .collected(age: .zero))
    }
  }

  @Test(.enabled(if: Nginx.isInstalled)) func `R40: a small response that decompresses to a large one is rejected`() async throws {
    let nginx = try await Nginx(
      files: ["metrics": String(repeating: "\n", count: 8 << 20)], servers: "server { listen $network.1:$port; root $folder; }")
    let call = try await collector(port: nginx.port) { $0.limits.bytes = 1 << 20 }.call(
      nodeRoll(.windows, Self.entries, address: nginx.host))
    #expect(call.answers.map(\.reason) == [.tooLarge, .tooLarge, .tooLarge])
    #expect(try await nginx.accessLog(of: 1)[0].contains("\"gzip\""))
  }

  @Test func `R40: a response with too many series is rejected`() async throws {
    let server = try serving("a 1\nb 1\nc 1\n")
    defer { server.stop() }
    let call = try await collector(port: server.port) { $0.limits.series = 2 }.call(nodeRoll(.windows, Self.entries))
    #expect(call.answers.map(\.reason) == [.tooLarge, .tooLarge, .tooLarge])
    #expect(call.answers[0].detail.contains("line 3: more than 2 series"))
  }

  @Test(arguments: [nil, "", "a b", "10.0.0.1/x?", "user@host", "[::1]", "fe80::1%eth0"] as [String?])
  func `a node without a valid address is unreachable`(address: String?) async throws {
    let answers = try await collector(port: 1).call(nodeRoll(.windows, Self.entries, address: address)).answers
    #expect(answers.map(\.reason) == [.exporterUnreachable, .exporterUnreachable, .exporterUnreachable])
    #expect(answers[0].detail.contains("node-1"))
  }

  @Test func `a refused connection is an unreachable exporter`() async throws {
    let closed = try ClosedPort()
    let call = try await collector(port: closed.number).call(nodeRoll(.windows, Self.entries))
    #expect(call.answers.map(\.reason) == [.exporterUnreachable, .exporterUnreachable, .exporterUnreachable])
    let notReady = try await collector(port: closed.number).call(nodeRoll(.windows, Self.entries, ready: false))
    #expect(notReady.answers.map(\.reason) == [.nodeNotReady, .nodeNotReady, .nodeNotReady])
    #expect(notReady.answers[0].detail.contains("ExporterUnreachable"))
  }

  @Test(
    .enabled(if: Nginx.isInstalled),
    .enabled(if: Certificates.isPossible, "openssl is not installed"))
  func `a client certificate and a secret from a file are sent over TLS only`() async throws {
    let certificates = try await Certificates()
    let nginx = try await Nginx(
      files: ["metrics": windowsPage(version: "0.32", frontend: Self.frontend, worker: Self.worker)],
      servers: """
        server {
          listen $network.1:$port ssl; root $folder;
          \(certificates.nginxServerSide)
          if ($http_authorization != "Bearer one") { return 401 "no"; }
        }
        """)
    let headers = try certificates.folder.write("# rotated by the secret's mount\nAuthorization: Bearer one\n", to: "headers")
    var tls = certificates.controller
    tls.serverName = "rollcall-agent"
    let collector = try collector(port: nginx.port) {
      $0.endpoint.scheme = "https"
      $0.tls = tls
      $0.headersFile = headers
    }
    let answered = nodeRoll(.windows, Self.entries, address: nginx.host)
    #expect(await collector.call(answered).answers.map(\.reason) == [nil, nil, .notInResponse])
    // R20: an empty file keeps the last headers; a new secret is used immediately.
    _ = try certificates.folder.write("", to: "headers")
    #expect(await collector.call(answered).answers.map(\.reason) == [nil, nil, .notInResponse])
    _ = try certificates.folder.write("Authorization: Bearer two\n", to: "headers")
    #expect(await collector.call(answered).answers.map(\.reason) == [.badExposition, .badExposition, .badExposition])

    tls.certificateAuthorities = nil
    let strict = try self.collector(port: nginx.port) {
      $0.endpoint.scheme = "https"
      $0.tls = tls
    }
    #expect(await strict.call(answered).answers.map(\.reason) == [.exporterUnreachable, .exporterUnreachable, .exporterUnreachable])

    let plain = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: "") }
    }
    defer { plain.stop() }
    _ = await (try self.collector(port: plain.port) { $0.headersFile = headers }).call(nodeRoll(.windows, Self.entries))
    #expect(plain.requests.count == 1)
    #expect(plain.requests.first?.header("Authorization") == nil)
  }

  @Test func `R42: an exporter at a loopback address is refused unless allowed`() async throws {
    let server = try serving("windows_container_count 0\n")
    defer { server.stop() }
    let call = try await collector(port: server.port) { $0.allowsLoopback = false }.call(nodeRoll(.windows, Self.entries))
    #expect(call.answers[0].reason == .exporterUnreachable && call.answers[0].detail.contains("loopback"))
    #expect(server.requests.isEmpty)
  }

  @Test
  func `R44: a cached response, an old sample and a container without values are not collected`() async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target.contains("cached") {
          try connection.respond(status: 200, headers: [("Age", "600")], body: "windows_container_count 1\n")
        } else {
          try connection.respond(
            status: 200, headers: [("Date", "Sun, 01 Mar 2026 12:00:00 GMT")],
            body: """
              windows_container_processes{container_id="docker://\(Self.frontend)"} 1 1772365000000
              windows_container_available{container_id="docker://\(Self.worker)"} 0

              """)
        }
      }
    }
    defer { server.stop() }
    let cached = try await collector(port: server.port) { $0.endpoint.path = "/cached" }.call(nodeRoll(.windows, Self.entries))
    #expect(cached.answers.map(\.reason) == [.staleData, .staleData, .staleData])
    let frozen = try await collector(port: server.port).call(nodeRoll(.windows, Self.entries))
    #expect(frozen.answers.map(\.reason) == [.staleData, .notInResponse, .notInResponse])
    #expect(frozen.answers[1].detail.contains("windows_container_available 0"))
  }

  @Test
  func `a HostProcess container is collected if it has values, and exempt otherwise`() async throws {
    let server = try serving(
      """
      windows_container_available{container_id="containerd://\(Self.frontend)",hostprocess="true"} 1
      windows_container_available{container_id="containerd://\(Self.worker)",hostprocess="true"} 1
      windows_container_cpu_usage_seconds_total{container_id="containerd://\(Self.worker)"} 3

      """)
    defer { server.stop() }
    let call = try await collector(port: server.port).call(nodeRoll(.windows, Self.entries))
    #expect(Array(call.answers.prefix(2)) == [.exempt(.hostProcess), .collected(age: .zero)])
    #expect(call.answers[2].reason == .notInResponse)
  }

  @Test func `the exporter's own status is recorded`() async throws {
    let statuses = ExporterStatusStore()
    let server = try serving(windowsPage(version: "0.31", frontend: Self.frontend, worker: Self.worker))
    defer { server.stop() }
    var settings = WindowsSettings()
    settings.endpoint.port = server.port
    settings.allowsLoopback = true
    let collector = WindowsCollector(transport: try HTTPTransport(), settings: settings, statuses: statuses)
    _ = await collector.call(nodeRoll(.windows, Self.entries))
    let status = try #require(statuses.status(of: "node-1"))
    #expect(status.failure == nil)
    #expect(status.health?.version == "0.31.0")
    #expect(status.health?.collectors == ["container": .init(succeeded: true, timedOut: false)])
    server.stop()
    _ = await collector.call(nodeRoll(.windows, Self.entries))
    #expect(statuses.status(of: "node-1")?.failure == .exporterUnreachable)
    #expect(statuses.status(of: "node-1")?.health == status.health)
  }

  private func serving(_ body: String) throws -> ScriptedServer {
    try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        try connection.respond(status: 200, body: body)
      }
    }
  }

  private func collector(port: Int, settings change: (inout WindowsSettings) -> Void = { _ in }) throws -> WindowsCollector {
    var settings = WindowsSettings()
    settings.endpoint.port = port
    settings.allowsLoopback = true
    // Generous limits for busy machines.
    settings.connectTimeout = .seconds(60)
    settings.deadline = .seconds(60)
    change(&settings)
    return WindowsCollector(transport: try HTTPTransport(), settings: settings)
  }
}
