import Foundation
import HTTPTransport
import Roll
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(5)))
struct ServingTests {
  @Test func `R61: unknown paths and methods are rejected and create no series`() async throws {
    let agent = try await RunningAgent()
    #expect(try await agent.get("/metrics").header("content-type") == "text/plain; version=0.0.4; charset=utf-8")
    for (path, method, status) in [
      ("/", "GET", 404), ("/metrics/else", "GET", 404), ("/v1/roll", "POST", 404), ("/metrics", "POST", 405), ("/livez", "DELETE", 405),
      ("/readyz", "PATCH", 405), ("/readyz", "FROB", 400),
    ] {
      #expect(try await agent.get(path, method: method).status == status, "\(method) \(path)")
    }
    let exposition = try await agent.get("/metrics").text
    #expect(!exposition.contains("FROB") && !exposition.contains("/else"))
  }

  @Test(.enabled(if: findProgram("promtool") != nil, "promtool is not installed (Debian: prometheus)"))
  func `promtool accepts the exposition`() async throws {
    let agent = try await RunningAgent()
    let file = try agent.folder.write(try await agent.get("/metrics").text, to: "metrics")
    let promtool = try ExternalProgram("sh", ["-c", "promtool check metrics < \(file)"], log: agent.folder.path + "/promtool.log")
    #expect(try await promtool.waitForExit() == 0)
    #expect(promtool.output == "")
  }

  @Test func `format and content coding follow the request`() async throws {
    let agent = try await RunningAgent()
    let openMetrics = try await agent.get("/metrics", headers: [HTTPHeader("Accept", "application/openmetrics-text;version=1.0.0")])
    #expect(openMetrics.header("content-type") == "application/openmetrics-text; version=1.0.0; charset=utf-8")
    #expect(openMetrics.text.hasSuffix("# EOF\n"))
    // gzip fails on data that is not gzip or incomplete.
    let folder = agent.folder.path
    let curl = try ExternalProgram(
      "sh",
      [
        "-c",
        "curl -sSf --dump-header \(folder)/head -H 'Accept-Encoding: gzip' http://\(agent.listen)/metrics | gzip -dc > \(folder)/exposition",
      ],
      log: folder + "/curl.log")
    #expect(try await curl.waitForExit() == 0, "\(curl.output)")
    let head = try String(contentsOfFile: folder + "/head", encoding: .utf8).lowercased()
    #expect(head.contains("content-encoding: gzip"))
    #expect(head.contains("content-type: text/plain; version=0.0.4"))
    let exposition = try String(contentsOfFile: folder + "/exposition", encoding: .utf8)
    #expect(exposition.contains("\nrollcall_agent_containers_found 1\n"))
    #expect(exposition.hasSuffix("\n"))
  }

  @Test func `concurrent clients with and without gzip get the same exposition`() async throws {
    let agent = try await RunningAgent(arguments: ["--sweep-reuse", "3600s", "--filesystem-interval", "off"])
    let folder = agent.folder.path
    let curls = try (1...4).flatMap { index in
      try [("plain", []), ("gzip", ["--compressed"])].map { (name: String, options: [String]) in
        try ExternalProgram(
          "curl", ["-sSf", "http://\(agent.listen)/metrics", "-o", "\(folder)/\(name)-\(index)"] + options,
          log: folder + "/curl-\(name)-\(index).log")
      }
    }
    for curl in curls { #expect(try await curl.waitForExit() == 0, "\(curl.output)") }
    let expositions = try (1...4).flatMap { index in
      try ["plain", "gzip"].map { try String(contentsOfFile: folder + "/\($0)-\(index)", encoding: .utf8) }
    }
    // Concurrent requests may both have rendered, with different metrics of the process.
    let samples = Set(expositions.map { $0.split(separator: "\n").filter { !$0.hasPrefix("process_") } })
    #expect(samples.count == 1)
    #expect(expositions.allSatisfy { $0.contains("\nrollcall_agent_sweeps_total 1\n") && $0.hasSuffix("\n") })
  }

  @Test func `R54: the roll and its names are kept while the controller is away`() async throws {
    let agent = try await RunningAgent()
    let tls = try agent.controller()
    let entries = [RunningAgent.entry("app", id: RunningAgent.containerID)]
    #expect(try await agent.call(tls, hash: "one", entries: entries).status == 200)
    for _ in 0..<3 {
      let exposition = try await agent.get("/metrics").text
      #expect(exposition.contains("rollcall_agent_roll_entries 1\n"))
      #expect(exposition.contains("rollcall_agent_answers_total{answer=\"Collected\"} 1\n"))
    }
    // The controller sends only the hash now.
    #expect(try await agent.call(tls, hash: "one", entries: nil).status == 200)
  }

  @Test func `R60 SIGTERM stops the agent gracefully despite an idle connection`() async throws {
    let agent = try await RunningAgent()
    // The transport keeps this connection open.
    #expect(try await agent.get("/readyz").status == 200)
    agent.program.send(signal: SIGTERM)
    #expect(try await agent.program.waitForExit() == 0)
    #expect(agent.program.output.contains("stopped"))
    await #expect(throws: HTTPTransportError.self) { try await agent.get("/readyz") }
  }

  @Test func `an error for an address in use names the option`() async throws {
    let agent = try await RunningAgent()
    let folder = try TemporaryFolder()
    let second = try ExternalProgram(
      try builtExecutable("rollcall-agent"), ["--listen", agent.listen, "--roll-listen", "127.0.0.1:0", "--tls-dir", folder.path],
      log: folder.path + "/log")
    #expect(try await second.waitForExit() != 0)
    #expect(second.output.contains("cannot listen on \(agent.listen)"))
    #expect(second.output.contains("--listen"))
  }

  @Test(.enabled(if: getuid() == 0 && findProgram("setpriv") != nil, "needs root and setpriv, to start an agent without rights"))
  func `R51: an agent without rights answers PermissionDenied with the path`() async throws {
    let folder = try TemporaryFolder()
    let process = try ExternalProgram("sleep", ["1000"], log: folder.path + "/container.log")
    defer { process.send(signal: SIGKILL) }
    let id = RunningAgent.containerID
    try FileManager.default.createDirectory(atPath: folder.path + "/cgroup/docker/" + id, withIntermediateDirectories: true)
    _ = try folder.write("cpu\n", to: "cgroup/cgroup.controllers")
    _ = try folder.write("\(process.processIdentifier)\n", to: "cgroup/docker/\(id)/cgroup.procs")
    // The build folder may not be accessible to other users.
    try FileManager.default.copyItem(atPath: try builtExecutable("rollcall-agent"), toPath: folder.path + "/rollcall-agent")
    chmod(folder.path, 0o755)
    let authority = try TestAuthority(in: folder, name: "cluster")
    try FileManager.default.createDirectory(atPath: folder.path + "/tls", withIntermediateDirectories: true)
    try RunningAgent.install(authority, in: folder, as: "agent")
    chmod(folder.path + "/tls/tls.key", 0o644)
    let rollAddress = OwnAddress()
    let agent = try ExternalProgram(
      "setpriv",
      [
        "--reuid=65534", "--regid=65534", "--clear-groups", folder.path + "/rollcall-agent", "--listen", "127.0.0.1:0",
        "--roll-listen", "\(rollAddress)", "--tls-dir", folder.path + "/tls", "--cgroup", folder.path + "/cgroup",
      ], log: folder.path + "/agent.log")
    _ = try await agent.waitForLine(containing: "certificates loaded")
    try await agent.waitForPort(rollAddress)
    let client = try authority.issue("rollcall-controller", usage: "clientAuth")
    let tls = TLSOptions(
      certificateAuthorities: .file(authority.certificate), clientCertificate: .file(client.certificate), clientKey: .file(client.key),
      serverName: "rollcall-agent")
    let body =
      #"{"node":"n","hash":"h","entries":[{"reference":{"namespace":"a","pod":"b","container":"c"},"podUID":"u","containerID":"\#(id)","hostNetwork":false}]}"#
    let response = try await HTTPTransport().send(
      HTTPRequest(method: "POST", url: "https://\(rollAddress)/v1/roll", body: Array(body.utf8), deadline: .seconds(60), tls: tls))
    let answer = try #require(try response.report().answers.first)
    #expect(answer.reason == .permissionDenied)
    #expect(answer.detail?.contains("/proc/\(process.processIdentifier)/ns/net") == true, "\(answer)")
  }

  @Test func `metrics are served over TLS and can require a client certificate`() async throws {
    let folder = try TemporaryFolder()
    let authority = try TestAuthority(in: folder, name: "monitoring")
    try FileManager.default.createDirectory(atPath: folder.path + "/tls", withIntermediateDirectories: true)
    try RunningAgent.install(authority, in: folder, as: "metrics")
    let tls = folder.path + "/tls"
    let agent = try await RunningAgent(arguments: ["--metrics-tls-dir", tls, "--metrics-client-certificates", "on"])
    _ = try await agent.program.waitForLine(containing: "path=\(tls) [RollcallAgent] certificates loaded")
    let anonymous = agent.options(authority, client: nil)
    let prometheus = try agent.controller(authority, name: "prometheus")
    #expect(try await agent.get("/metrics", prometheus).status == 200)
    let refused = try await agent.get("/metrics", anonymous)
    #expect(refused.status == 403)
    #expect(refused.text.contains("certificate"))
    // The kubelet's probes have no certificate.
    #expect(try await agent.get("/livez", anonymous).status == 200)
    let server = try agent.controller(authority, name: "server", usage: "serverAuth")
    await #expect(throws: HTTPTransportError.self) { try await agent.get("/metrics", server) }
    let stranger = try TestAuthority(in: folder, name: "strangers").issue("stranger", usage: "clientAuth")
    await #expect(throws: HTTPTransportError.self) { try await agent.get("/metrics", agent.options(authority, client: stranger)) }
    let plain = try await agent.get("/metrics")
    #expect(plain.status == 400)
    #expect(plain.text.contains("use https"))
    for path in ["/livez", "/readyz"] { #expect(try await agent.get(path).status == 200) }

    // New connections get a renewed certificate, here from another authority, without a restart.
    let renewed = try TestAuthority(in: folder, name: "renewed")
    try RunningAgent.install(renewed, in: folder, as: "renewed-metrics")
    let later = try agent.controller(renewed, name: "renewed-prometheus")
    try await eventually("the agent shows its new certificate") {
      do {
        return try await agent.get("/metrics", later).status == 200
      } catch is HTTPTransportError {
        return false
      }
    }
  }
}
