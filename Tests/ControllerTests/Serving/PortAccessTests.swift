import Glibc
import HTTPTransport
import KubeClient
import TestSupport
import Testing

@testable import Controller

/// Who may read the port, over HTTP.
@Suite struct PortAccessTests {
  private static let everyPath = [
    "/", "/livez", "/readyz", "/metrics", "/sd/v1/targets", "/metrics/cadvisor", "/metrics/resource", "/stats/summary?node=n",
    "/probe?node=n",
    "/api/v1/gaps", "/api/v1/coverage", "/api/v1/nodes", "/proxy/n/metrics", "/proxy/n/health",
  ]

  private func bearer(_ token: String, scheme: String = "Bearer") -> [HTTPHeader] { [HTTPHeader("Authorization", "\(scheme) \(token)")] }

  @Test func `R106: strangers read only what is open`() async throws {
    try await ServedController.run(access: .closed) { served in
      for path in Self.everyPath {
        let response = try await served.request(path)
        let isOpen = path == "/livez" || path == "/readyz"
        #expect((response.status != 401) == isOpen, "\(path)")
        if !isOpen { #expect(response.header("WWW-Authenticate") == "Bearer realm=\"rollcall\"") }
      }
      #expect(served.reviews.tokens.isEmpty, "nobody is asked about a request without a token")
    }
  }

  @Test(arguments: [
    (OpenPath.metrics, ["/metrics"]), (.targets, ["/sd/v1/targets"]), (.livez, ["/livez"]), (.readyz, ["/readyz"]),
  ])
  func `R106: a setting opens a path and nothing beside it`(open: OpenPath, paths: [String]) async throws {
    var settings = PortAccessSettings.closed
    settings.openPaths = [open]
    settings.wantsTLS = true
    try await ServedController.run(access: settings) { served in
      for path in Self.everyPath {
        let status = try await served.request(path).status
        #expect((status != 400) == paths.contains(path), "\(path): \(status)")
      }
    }
  }

  @Test func `R106: a token lets its user read what the API server allows`() async throws {
    try await ServedController.run(access: .closed) { served in
      served.reviews.accept("t1", of: "viewer")
      served.reviews.allow("viewer", "get", "/api/v1/nodes")
      served.publishSample()
      #expect(try await served.request("/api/v1/nodes", headers: bearer("t1")).status == 200)
      #expect(try await served.request("/api/v1/nodes", headers: bearer("t1", scheme: "bearer")).status == 200)
      #expect(try await served.request("/api/v1/nodes?x=1", headers: bearer("t1")).status == 200)
      let other = try await served.request("/api/v1/gaps", headers: bearer("t1"))
      #expect(other.status == 403 && String(decoding: other.body, as: UTF8.self).contains("viewer may not get /api/v1/gaps"))
      #expect(try await served.request("/api/v1/nodes", method: "HEAD", headers: bearer("t1")).status == 403, "the verb is another one")
      #expect(try await served.request("/api/v1/nodes", headers: bearer("t2")).status == 401)
      #expect(try await served.request("/api/v1/nodes", headers: bearer("t1") + bearer("t2")).status == 401)
      #expect(try await served.request("/api/v1/nodes", headers: [HTTPHeader("Authorization", "Basic dDE6dDE=")]).status == 401)
      #expect(try await served.request("/api/v1/nodes", headers: [HTTPHeader("Authorization", "Bearer")]).status == 401)
    }
  }

  @Test func `R106: requests for nothing ask nobody`() async throws {
    try await ServedController.run(access: .closed) { served async throws in
      #expect(try await served.request("/nothing", headers: bearer("t")).status == 404)
      #expect(try await served.request("//metrics", headers: bearer("t")).status == 404)
      #expect(try await served.request("/metrics", method: "POST", headers: bearer("t")).status == 405)
      #expect(served.reviews.tokens.isEmpty)
    }
  }

  @Test func `R106: a port forward needs no token, and no header makes a request one`() async throws {
    var settings = PortAccessSettings.closed
    settings.trustsLoopback = true
    settings.wantsTLS = true
    try await ServedController.run(access: settings) { served async throws in
      #expect(try await served.request("/").status == 200)
      #expect(try await served.request("/", headers: [HTTPHeader("Host", "localhost:9750")]).status == 200)
      #expect(try await served.request("/", headers: [HTTPHeader("Host", "[::1]:9750")]).status == 200)
      // A page of another site whose name leads here.
      #expect(try await served.request("/", headers: [HTTPHeader("Host", "evil.example:9750")]).status == 400)
      #expect(try await served.request("/", headers: [HTTPHeader("Host", "127.0.0.1.evil.example")]).status == 400)
    }
    settings.trustsLoopback = false
    try await ServedController.run(access: settings) { served async throws in
      for name in ["X-Forwarded-For", "X-Real-IP", "Forwarded", "X-Remote-User"] {
        #expect(try await served.request("/", headers: [HTTPHeader(name, "127.0.0.1")]).status == 400, "\(name)")
      }
    }
  }

  @Test func `R106: a client without a request, or with endless headers, does not keep its connection`() async throws {
    var limits = ServingLimits()
    limits.firstRequest = .milliseconds(200)
    try await ServedController.run(limits: limits, access: .closed) { served in
      for beginning in ["", "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: "] {
        let socket = try #require(connectedSocket(port: served.port))
        defer { close(socket) }
        #expect(send(socket, beginning, beginning.utf8.count, 0) == beginning.utf8.count)
        try await eventually("the server has closed the connection") {
          var look = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
          return poll(&look, 1, 0) == 1
        }
        var byte: UInt8 = 0
        #expect(recv(socket, &byte, 1, 0) == 0)
      }
      let endless = try await served.request("/livez", headers: [HTTPHeader("X-Long", String(repeating: "x", count: 17 << 10))])
      #expect(endless.status == 400)
      #expect(try await served.request("/livez", headers: [HTTPHeader("X-Long", String(repeating: "x", count: 12 << 10))]).status == 200)
    }
  }

  @Test func `R106: a client is told to come again while the API server is away`() async throws {
    try await ServedController.run(access: .closed) { served in
      served.reviews.failure = .decode("nothing")
      let response = try await served.request("/metrics", headers: bearer("t"))
      #expect(response.status == 503 && response.header("Retry-After") == "1")
    }
  }
}
