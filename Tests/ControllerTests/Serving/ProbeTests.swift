import HTTPTransport
import JSON
import Simulator
import TestSupport
import Testing

@testable import Controller

private let frontend = String(repeating: "1a", count: 32)
private let worker = String(repeating: "2b", count: 32)

/// A controller with a Windows node for each name. A real nginx at their addresses replaces the exporters.
private func withProxy(
  nodes: [String: JSONValue], flags: [String: [String]] = [:], _ body: (RunningController) async throws -> Void
) async throws {
  try await withSimulator { server in
    for (_, node) in nodes { try server.put(node) }
    for (pod, id) in [("frontend-0", frontend), ("worker-0", worker)] {
      try server.put(podObject(pod, on: "win-1", id: "containerd://\(id)"))
    }
    var flags = flags
    // The roll calls must not be counted among the requests.
    flags["interval"] = ["1h"]
    flags["threshold"] = ["1d"]
    try await RunningController.run(kubeconfig: server.kubeconfig(), flags: flags) { running in
      try await eventually("ready") { try await running.request("/readyz").status == 200 }
      try await body(running)
    }
  }
}

private func windowsNode(_ name: String, _ address: String, annotations: JSONValue = [:]) -> JSONValue {
  var node = nodeObject(name, address: address, os: "windows")
  node["metadata"] = ["name": .string(name), "annotations": annotations]
  return node
}

@Suite(.enabled(if: Nginx.isInstalled, "nginx is not installed")) struct ProbeTests {
  private static let servers = """
    server { listen $network.1:$port; root $folder; location = /health { return 200 "{}"; } }
    server { listen $network.2:$port; location / { return 404 "not here"; } }
    server { listen $network.3:$port; location / { return 302 http://$network.1:$port/metrics; } }
    server { listen $network.4:$port; root $folder; rewrite ^/metrics$ /junk break; }
    server { listen $network.5:$port; root $folder; rewrite ^/metrics$ /huge break; gzip off; }
    """

  private static func nginx() async throws -> Nginx {
    try await Nginx(
      files: [
        "metrics": windowsPage(version: "0.20", frontend: frontend, worker: worker), "junk": "<html>\n",
        "huge": String(repeating: "windows_cpu_time_total 1\n", count: 100_000),
      ], servers: servers)
  }

  @Test func `a probe returns the metrics of a Node with container names added`() async throws {
    let nginx = try await Self.nginx()
    let nodes = [
      "win-1": windowsNode("win-1", nginx.host), "linux-1": nodeObject("linux-1", address: "10.0.0.1"),
    ]
    try await withProxy(nodes: nodes, flags: ["windows-port": ["\(nginx.port)"]]) { running in
      let page = try await running.request("/probe?node=win-1")
      #expect(page.status == 200)
      #expect(page.header("Content-Type") == "text/plain; version=0.0.4; charset=utf-8")
      let text = String(decoding: page.body, as: UTF8.self)
      #expect(
        text.contains(
          #"windows_container_available{container_id="containerd://\#(frontend)",node="win-1",namespace="default",pod="frontend-0",container="app"} 1"#
        ))
      #expect(text.contains(#"windows_container_count{node="win-1"} 2"#))

      var asking = HTTPRequest(url: "http://127.0.0.1:\(running.port)/probe?node=win-1", deadline: .seconds(60))
      asking.acceptsCompression = true
      let compressed = try await running.transport.send(asking)
      #expect(compressed.header("Content-Encoding") == "gzip")
      #expect(compressed.body == page.body)

      #expect(try await running.request("/probe").status == 400)
      #expect(try await running.request("/probe?node=win-1&collect%5B%5D=a%2Fb").status == 400)
      let unknown = try await running.request("/probe?node=nobody")
      #expect(unknown.status == 404)
      #expect(String(decoding: unknown.body, as: UTF8.self) == "there is no Node named nobody\n")
      for path in ["/proxy/linux-1/metrics", "/proxy/win-1", "/proxy/win-1/other", "/proxy//metrics", "/proxy/win-1/metrics/x"] {
        #expect(try await running.request(path).status == 404, "\(path)")
      }
    }
  }

  @Test func `request headers and collector parameters are passed on to the exporter`() async throws {
    let nginx = try await Self.nginx()
    let annotated = windowsNode("win-1", nginx.host, annotations: ["rollcall.dev/windows-collect": "cpu, container"])
    let flags = ["windows-port": ["\(nginx.port)"], "windows-pages": ["pass-through"], "deadline": ["10s"]]
    try await withProxy(nodes: ["win-1": annotated], flags: flags) { running in
      let timeout = HTTPHeader("X-Prometheus-Scrape-Timeout-Seconds", "10")
      let compressed = try await running.request("/probe?node=win-1", headers: [timeout, HTTPHeader("Accept-Encoding", "gzip")])
      #expect(compressed.header("Content-Encoding") == "gzip")
      #expect(compressed.body.starts(with: [0x1f, 0x8b]))
      let plain = try await running.request(
        "/proxy/win-1/metrics?collect[]=os", headers: [HTTPHeader("X-Prometheus-Scrape-Timeout-Seconds", "1")])
      #expect(String(decoding: plain.body, as: UTF8.self) == windowsPage(version: "0.20", frontend: frontend, worker: worker))
      #expect(try await running.request("/proxy/win-1/health").body == Array("windows_exporter responded with status 200\n".utf8))
      // In any order: nginx logs a request when it has written the last byte.
      #expect(
        Set(try await nginx.accessLog(of: 3)) == [
          #"\#(nginx.host) "GET /metrics?collect%5B%5D=cpu&collect%5B%5D=container HTTP/1.1" 200 "gzip" "9.5""#,
          #"\#(nginx.host) "GET /metrics?collect%5B%5D=os HTTP/1.1" 200 "gzip" "0.9""#,
          #"\#(nginx.host) "GET /health HTTP/1.1" 200 "gzip" "9.5""#,
        ])
    }
  }

  @Test
  func `R42, R43: a bad exporter response fails only its own Node, with a reason; redirects are not followed`() async throws {
    let nginx = try await Self.nginx()
    var nodes = Dictionary(uniqueKeysWithValues: (1...5).map { ("win-\($0)", windowsNode("win-\($0)", "\(nginx.network).\($0)")) })
    nodes["win-6"] = windowsNode("win-6", "\(nginx.network).6")
    try await withProxy(nodes: nodes, flags: ["windows-port": ["\(nginx.port)"]]) { running in
      for (node, status, reason) in [
        ("win-2", 502, "BadExposition: windows_exporter responded with status 404"), ("win-3", 502, "BadExposition"),
        ("win-4", 502, "line 1 "), ("win-5", 502, "line 2 "), ("win-6", 502, "ExporterUnreachable"),
      ] {
        let answer = try await running.request("/probe?node=\(node)")
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(answer.status == status && text.contains(reason), "\(node): \(answer.status) \(text)")
      }
      #expect(try await running.request("/proxy/win-2/metrics").status == 404, "a reverse proxy hands a status on")
      #expect(try await running.request("/proxy/win-3/metrics").status == 502, "and follows no redirect")
      #expect(try await running.request("/probe?node=win-1").status == 200)
    }
  }

  @Test
  func `R41: a hung exporter yields 504 before the client times out; a partial or corrupt body aborts`() async throws {
    let gate = Gate()
    let lines = String(repeating: "# padding\n", count: 100) + (0..<4000).map { "windows_a{n=\"\($0)\"} 1\n" }.joined()
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        if request.target.contains("hang") { return try connection.stall(until: gate) }
        if request.target.contains("cut") {
          try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n\(lines)")
          return connection.reset()
        }
        try connection.respond(status: 200, body: lines + "}\n")
      }
    }
    defer {
      gate.open()
      server.stop()
    }
    let flags = ["windows-port": ["\(server.port)"], "deadline": ["30s"]]
    try await withProxy(nodes: ["win-1": windowsNode("win-1", "127.0.0.1")], flags: flags) { running in
      let hanging = try await running.request(
        "/probe?node=win-1&collect[]=hang", headers: [HTTPHeader("X-Prometheus-Scrape-Timeout-Seconds", "0.5")])
      #expect(hanging.status == 504)
      #expect(String(decoding: hanging.body, as: UTF8.self).hasPrefix("ExporterTimeout: "))
      for kind in ["cut", "wrong"] {
        do {
          let answer = try await running.request("/probe?node=win-1&collect[]=\(kind)")
          // A failure before the first chunk is sent has its own status.
          #expect(answer.status == 502, "\(kind)")
        } catch {
          guard case .cut = error as? HTTPTransportError else { throw error }
        }
      }
    }
  }

  @Test(
    arguments: [
      ("windows_a{n=\"\(String(repeating: "x", count: 5000))\"} 1\n", "TooLarge", "line 1"),
      ("windows_a{\((0..<65).map { "l\($0)=\"\"" }.joined(separator: ","))} 1\n", "TooLarge", "line 1"),
      ("windows_a 1\nwindows_a{node=\"x\"} 1\nwindows_a 2\n", "BadExposition", "line 3"),
      ("windows_a{n=\"\u{ff}\"} 1\n", "BadExposition", "line 1"), ("windows_a 1 soon\n", "BadExposition", "line 1"),
      ("windows_a 1\nwindows_b", "BadExposition", "line 2"),
    ])
  func `R40, R43: an oversized or malformed response is rejected with reason and location`(page: String, reason: String, place: String)
    async throws
  {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        // Latin-1, so that non-ASCII text is not valid UTF-8.
        try connection.respond(status: 200, body: page.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) })
      }
    }
    defer { server.stop() }
    try await withProxy(
      nodes: ["win-1": windowsNode("win-1", "127.0.0.1")], flags: ["windows-port": ["\(server.port)"]]
    ) { running in
      let answer = try await running.request("/probe?node=win-1")
      let text = String(decoding: answer.body, as: UTF8.self)
      #expect(answer.status == 502 && text.hasPrefix("\(reason): ") && text.contains(place), "\(answer.status) \(text)")
    }
  }

  @Test func `R42: a Node with a loopback address is not contacted unless that is allowed`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: "windows_a 1\n") }
    }
    defer { server.stop() }
    let flags = ["windows-port": ["\(server.port)"], "allow-loopback-targets": ["false"]]
    let nodes = ["win-1": windowsNode("win-1", "127.0.0.1"), "win-2": windowsNode("win-2", "localhost")]
    try await withProxy(nodes: nodes, flags: flags) { running in
      for (node, problem) in [("win-1", "no usable address"), ("win-2", "loopback")] {
        for path in ["/probe?node=\(node)", "/proxy/\(node)/metrics"] {
          let answer = try await running.request(path)
          let text = String(decoding: answer.body, as: UTF8.self)
          #expect(answer.status == 502 && text.hasPrefix("ExporterUnreachable") && text.contains(problem), "\(text)")
        }
      }
    }
    #expect(server.requests.isEmpty)
  }

  @Test func `R63: a client that stops reading is disconnected at its deadline and frees its slot`()
    async throws
  {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        // More than the socket buffers hold.
        let lines = request.target.contains("large") ? 3 << 20 : 1
        try connection.respond(status: 200, body: Array(String(repeating: "up 1\n", count: lines).utf8))
      }
    }
    defer { server.stop() }
    let flags = ["windows-port": ["\(server.port)"], "max-probes": ["1"], "deadline": ["60s"]]
    try await withProxy(nodes: ["win-1": windowsNode("win-1", "127.0.0.1")], flags: flags) { running in
      var request = HTTPRequest(
        url: "http://127.0.0.1:\(running.port)/proxy/win-1/metrics?collect[]=large",
        headers: [HTTPHeader("X-Prometheus-Scrape-Timeout-Seconds", "5")], deadline: .seconds(60))
      request.maximumBodyBytes = 64 << 20
      let stalled = try await running.transport.open(request)
      #expect(stalled.status == 200)
      #expect(try await running.request("/proxy/win-1/metrics").status == 200)
      await #expect(throws: HTTPTransportError.self) { for try await _ in stalled.body {} }
    }
  }

  @Test(arguments: [
    "<html>secret</html>\n", "# secret\nsecret = yes\n", "# secret\n", "{\"secret\": 1}", "secret", "# HELP a secret\nsecret\n",
    "windows_a 1\nsecret = yes\n", "password secret\n",
  ])
  func `R107: a page that is no exposition is not shown`(page: String) async throws {
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let status = request.target.contains("refused") ? 403 : 200
        try connection.respond(status: status, headers: [("Content-Type", "text/html")], body: page)
      }
    }
    defer { server.stop() }
    try await withProxy(nodes: ["win-1": windowsNode("win-1", "127.0.0.1")], flags: ["windows-port": ["\(server.port)"]]) { running in
      for path in ["/proxy/win-1/metrics", "/proxy/win-1/health", "/proxy/win-1/metrics?collect[]=refused", "/probe?node=win-1"] {
        guard let answer = try? await running.request(path) else { continue }
        // A page of comments alone is an exposition.
        #expect(page == "# secret\n" || !String(decoding: answer.body, as: UTF8.self).contains("secret"), "\(path)")
        #expect(answer.header("Content-Type")?.hasPrefix("text/plain") == true)
      }
    }
  }

  @Test func `R107: /probe answers for Linux Nodes only if that is asked for`() async throws {
    try await withProxy(nodes: ["linux-1": nodeObject("linux-1", address: "10.0.0.1")]) { running in
      let answer = try await running.request("/probe?node=linux-1")
      #expect(answer.status == 404)
      #expect(String(decoding: answer.body, as: UTF8.self).contains("--probe-linux"))
    }
  }

  @Test
  func `the kubelet summary is used where no exporter listens, and for Linux Nodes`() async throws {
    let closed = try ClosedPort()
    let flags = ["windows-port": ["\(closed.number)"], "windows-source": ["auto"], "probe-linux": ["true"]]
    let nodes = ["win-1": windowsNode("win-1", "127.0.0.1"), "linux-1": nodeObject("linux-1", address: "10.0.0.1")]
    try await withProxy(nodes: nodes, flags: flags) { running in
      for node in ["win-1", "linux-1"] {
        // The simulated API server has no kubelets; only the request path matters here.
        let answer = try await running.request("/probe?node=\(node)")
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(answer.status == 502 && text.contains("/stats/summary of \(node) through the API server"), "\(text)")
      }
    }
  }

}
