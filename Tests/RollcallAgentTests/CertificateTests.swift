import Foundation
import HTTPTransport
import TestSupport
import Testing

@testable import RollcallAgent

@Suite(.timeLimit(.minutes(5)))
struct CertificateTests {
  @Test func `without certificates metrics are served and the roll is refused until they arrive`() async throws {
    let agent = try await RunningAgent(hasCertificates: false)
    #expect(try await agent.get("/metrics").status == 200)
    #expect(try await agent.get("/livez").status == 200)
    let waiting = try await agent.get("/readyz")
    #expect(waiting.status == 503)
    #expect(waiting.text.contains("\(agent.folder.path)/tls/ca.crt: No such file or directory"))
    let tls = try agent.controller()
    await #expect(throws: HTTPTransportError.self) { try await agent.call(tls, hash: "one", entries: []) }

    try RunningAgent.install(agent.authority, in: agent.folder, as: "agent")
    try await eventually("the agent is ready") { try await agent.get("/readyz").status == 200 }
    #expect(try await agent.call(tls, hash: "one", entries: []).status == 200)
    let said = agent.program.output.split(separator: "\n").filter { $0.contains("ca.crt: No such file") }
    #expect(said.count == 1)
  }

  @Test func `R84: with metrics over TLS, probes in plain text are answered before there are certificates`() async throws {
    let folder = try TemporaryFolder()
    let tls = folder.path + "/tls"
    let agent = try await RunningAgent(arguments: ["--metrics-tls-dir", tls])
    _ = try await agent.program.waitForLine(containing: "certificates loaded")
    #expect(try await agent.get("/livez").status == 200)
    let waiting = try await agent.get("/readyz")
    #expect(waiting.status == 503)
    #expect(waiting.text.contains("no certificates for /metrics: open \(tls): No such file"), "\(waiting.text)")
    #expect(try await agent.get("/metrics").status == 400)
    let authority = try TestAuthority(in: folder, name: "monitoring")
    let client = agent.options(authority, client: nil)
    await #expect(throws: HTTPTransportError.self) { try await agent.get("/metrics", client) }

    try FileManager.default.createDirectory(atPath: tls, withIntermediateDirectories: true)
    try RunningAgent.install(authority, in: folder, as: "metrics")
    try await eventually("the agent is ready") { try await agent.get("/readyz").status == 200 }
    #expect(try await agent.get("/metrics", client).status == 200)
    #expect(agent.program.isRunning)
  }

  @Test func `renewed certificates are loaded without a restart and unusable ones ignored`() async throws {
    let agent = try await RunningAgent()
    let old = try agent.controller()
    #expect(try await agent.call(old, hash: "one", entries: []).status == 200)

    try Data("nonsense".utf8).write(to: URL(filePath: agent.folder.path + "/tls/tls.key"))
    _ = try await agent.program.waitForLine(containing: "keeping the old ones")
    #expect(try await agent.call(old, hash: "one", entries: []).status == 200)
    #expect(try await agent.get("/readyz").status == 200)

    let renewed = try TestAuthority(in: agent.folder, name: "renewed")
    try RunningAgent.install(renewed, in: agent.folder, as: "renewed-agent")
    let new = try agent.controller(renewed, name: "renewed-controller")
    try await eventually("the agent shows its new certificate") {
      do {
        return try await agent.call(new, hash: "one", entries: []).status == 200
      } catch is HTTPTransportError {
        return false
      }
    }
    await #expect(throws: HTTPTransportError.self) { try await agent.call(old, hash: "one", entries: []) }
    // The agent still holds the roll, so it was not restarted.
    #expect(try await agent.call(new, hash: "one", entries: nil).status == 200)
  }

  @Test(arguments: [
    ([UInt8](), false),
    ([0x30, 0x00], false),
    ([0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02], true),
    ([0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01], false),
    (
      [0x30, 0x14, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02],
      true
    ),
    ([0x30, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03], false),
    ([0x30, 0x81, 0x0a, 0x06, 0x08, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02], false),
  ])
  func `clientAuth is found in an extended key usage`(extension bytes: [UInt8], expected: Bool) {
    #expect(listsClientAuthentication(bytes) == expected)
  }
}
