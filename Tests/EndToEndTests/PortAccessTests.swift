import Foundation
import HTTPTransport
import JSON
import Simulator
import TestSupport
import Testing
import YAML

/// Who may read the controller's port, with the roles of the manifests, TLS and real clients.
@Suite(.timeLimit(.minutes(5)), .enabled(if: findProgram("curl") != nil, "curl is not installed"))
struct PortAccessTests {
  private static let viewed = [
    "/", "/page/gaps", "/page/style.css", "/api/v1/gaps", "/api/v1/coverage", "/api/v1/nodes", "/api/v1/explain", "/api/v1/scrapes",
    "/api/v1/rules-without-data",
    "/api/v1/policies",
  ]
  private static let scraped = [
    "/metrics", "/metrics/cadvisor", "/metrics/resource", "/stats/summary?node=n", "/sd/v1/targets", "/probe?node=n", "/proxy/n/metrics",
    "/proxy/n/health",
  ]
  private static let open = ["/livez", "/readyz"]

  /// A controller for which the server's roles decide.
  private func run(_ arguments: [String], _ body: (RunningController, TemporaryFolder) async throws -> Void) async throws {
    var roles = try ["access.yaml", "rbac.yaml"].flatMap { file in
      try YAMLNode.documents(parsing: Repository.text("manifests/default/\(file)").utf8, file: file).map(\.jsonValue)
    }.filter { $0["kind"]?.string?.hasPrefix("ClusterRole") == true }
    roles.append([
      "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": ["name": "viewers"],
      "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "rollcall-viewer"],
      "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "jane"]],
    ])
    try await RunningController.run(roles, ["--listen-tls", "on"] + arguments) { controller in
      let tokens = controller.apiServer.setToken
      tokens("viewer", SimulatedToken(user: "jane"))
      tokens("scraper", .serviceAccount("prometheus-k8s", namespace: "monitoring"))
      tokens("replica", .serviceAccount("rollcall-controller", namespace: "rollcall"))
      tokens("stranger", .serviceAccount("web", namespace: "shop"))
      tokens("expired", .serviceAccount("prometheus-k8s", namespace: "monitoring", expires: .now - 60))
      tokens("vault", SimulatedToken(user: "jane", audiences: ["vault"]))
      try await body(controller, try TemporaryFolder())
    }
  }

  /// The status of a request by curl; 0 if there is none.
  private func status(_ url: String, _ arguments: [String]) throws -> Int {
    let command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "20", url] + arguments
    return (try? Shell.run(arguments: command)).flatMap { Int($0) } ?? 0
  }

  @Test func `R106: the roles of the manifests allow what they are for and nothing else`() async throws {
    try await run(["--trust-loopback", "off"]) { controller, folder in
      let tls = TLSOptions(certificateAuthorities: .file(try await controller.authority(in: folder)), serverName: "rollcall-controller")
      func statuses(_ token: String?) async throws -> [String: Int] {
        var statuses: [String: Int] = [:]
        for path in Self.viewed + Self.scraped + Self.open {
          let headers = token.map { [HTTPHeader("Authorization", "Bearer \($0)")] } ?? []
          let request = HTTPRequest(url: controller.url + path, headers: headers, deadline: .seconds(20), tls: tls)
          statuses[path] = try await controller.transport.send(request).status
        }
        return statuses
      }
      try await eventually("the port has its certificate") { (try? await statuses(nil)) != nil }
      func refused(_ token: String?, by status: Int) async throws -> Set<String> {
        Set(try await statuses(token).filter { $0.value == status }.keys)
      }
      let closed = Set(Self.viewed + Self.scraped)
      for token in [nil, "unknown", "expired", "vault"] { #expect(try await refused(token, by: 401) == closed, "\(token ?? "none")") }
      #expect(try await refused("stranger", by: 403) == closed)
      #expect(
        try await refused("replica", by: 403) == closed.subtracting(["/", "/page/gaps", "/page/style.css"]), "R132: the leader's page")
      #expect(try await refused("viewer", by: 403) == Set(Self.scraped))
      #expect(try await refused("scraper", by: 403) == Set(Self.viewed))
    }
  }

  @Test func `R106: curl needs a token, TLS and our authority, except from 127_0_0_1`() async throws {
    try await run([]) { controller, folder in
      let authority = try await controller.authority(in: folder)
      let address = String(controller.url.dropFirst("https://".count))
      let trust = ["--cacert", authority, "--connect-to", "rollcall-controller:9750:\(address)"]
      // Another loopback address, from which a sidecar delivers what comes from elsewhere.
      let stranger = ["--interface", "127.0.0.6"]
      func secure(_ path: String, _ more: [String]) throws -> Int { try status("https://rollcall-controller:9750\(path)", trust + more) }
      func bearer(_ token: String) -> [String] { ["-H", "Authorization: Bearer \(token)"] }

      try await eventually("the port has its certificate") { try secure("/livez", stranger) == 200 }
      #expect(try secure("/metrics", stranger) == 401)
      // On a slow machine the first review may not end in time, which is 503.
      try await eventually("the scraper is let in") { try secure("/metrics", stranger + bearer("scraper")) == 200 }
      #expect(try secure("/metrics", stranger + bearer("stranger")) == 403)
      #expect(try secure("/metrics", stranger + ["-H", "X-Forwarded-For: 127.0.0.1", "-H", "X-Real-IP: 127.0.0.1"]) == 401)
      #expect(try status("http://\(address)/metrics", stranger + bearer("scraper")) == 400)
      #expect(try status("http://\(address)/livez", stranger) == 200)
      #expect(try status("https://\(address)/metrics", stranger + bearer("scraper")) == 0, "an authority that curl does not know")

      // As kubectl port-forward connects.
      #expect(try status("http://\(address)/", []) == 200)
      #expect(try secure("/metrics", []) == 401, "a name that is not localhost may lead here from anywhere")
      #expect(try status("http://\(address)/", ["-H", "Host: evil.example"]) == 400)
    }
  }

  @Test func `R106: while the API server does not answer, those let in lately stay`() async throws {
    try await run(["--trust-loopback", "off"]) { controller, folder in
      let tls = TLSOptions(certificateAuthorities: .file(try await controller.authority(in: folder)), serverName: "rollcall-controller")
      func status(_ token: String) async throws -> Int? {
        let request = HTTPRequest(
          url: "\(controller.url)/metrics", headers: [HTTPHeader("Authorization", "Bearer \(token)")], deadline: .seconds(20), tls: tls)
        return try? await controller.transport.send(request).status
      }
      try await eventually("the scraper is let in") { try await status("scraper") == 200 }
      for resource in ["tokenreviews.authentication.k8s.io", "subjectaccessreviews.authorization.k8s.io"] {
        controller.apiServer.rejectNext(Rejection(status: 503, reason: "ServiceUnavailable", count: 1_000_000, resource: resource))
      }
      controller.apiServer.setToken("new", .serviceAccount("prometheus-k8s", namespace: "monitoring"))
      #expect(try await status("new") == 503)
      try await eventually("what it knows has expired", within: .seconds(90)) { try await status("scraper") == 503 }
      #expect(controller.program.output.contains("cannot ask the API server who may read this port"))
    }
  }
}
