import Foundation
import HTTPTransport
import Roll
import TestSupport
import Testing

/// The agent's executable, with certificates, a fake cgroup tree and the real `/proc`.
final class RunningAgent {
  /// The ID of the only container, whose process is `container`.
  static let containerID = String(repeating: "ab", count: 32)

  let folder: TemporaryFolder
  let authority: TestAuthority
  let program: ExternalProgram
  let container: ExternalProgram
  let listen: String
  let rollListen: String
  private let transport: HTTPTransport

  /// - Parameters:
  ///   - hasCertificates: whether to install certificates before the start.
  ///   - node: the option `--node`.
  init(hasCertificates: Bool = true, node: String? = "node-1", arguments: [String] = []) async throws {
    folder = try TemporaryFolder()
    authority = try TestAuthority(in: folder, name: "cluster")
    try FileManager.default.createDirectory(atPath: folder.path + "/tls", withIntermediateDirectories: true)
    container = try ExternalProgram("sleep", ["1000"], log: folder.path + "/container.log")
    let cgroup = folder.path + "/cgroup/docker/" + Self.containerID
    try FileManager.default.createDirectory(atPath: cgroup, withIntermediateDirectories: true)
    try Data("cpu\n".utf8).write(to: URL(filePath: folder.path + "/cgroup/cgroup.controllers"))
    try Data("\(container.processIdentifier)\n".utf8).write(to: URL(filePath: cgroup + "/cgroup.procs"))
    if hasCertificates { try Self.install(authority, in: folder, as: "agent") }

    program = try ExternalProgram(
      try builtExecutable("rollcall-agent"),
      [
        "--listen", "127.0.0.1:0", "--roll-listen", "127.0.0.1:0", "--tls-dir", folder.path + "/tls", "--cgroup", folder.path + "/cgroup",
      ] + (node.map { ["--node", $0] } ?? []) + arguments, log: folder.path + "/agent.log")
    listen = try await Self.address(of: "metrics", program)
    rollListen = try await Self.address(of: "roll", program)
    transport = try HTTPTransport()
  }

  deinit {
    program.stop()
    // SIGTERM may be blocked in children of a test's thread.
    container.send(signal: SIGKILL)
    container.stop()
  }

  /// The kernel chooses the ports, and the agent logs them.
  private static func address(of purpose: String, _ program: ExternalProgram) async throws -> String {
    let line = try await program.waitForLine(containing: "purpose=\(purpose) ")
    let word = try #require(line.split(separator: " ").first { $0.hasPrefix("address=") })
    return String(word.dropFirst("address=".count))
  }

  /// Issues a certificate and installs it with its authority, the key first: three files cannot be replaced at once.
  static func install(_ authority: TestAuthority, in folder: TemporaryFolder, as name: String) throws {
    let issued = try authority.issue(name, subjectAlternativeName: "DNS:rollcall-agent", usage: "serverAuth")
    for (source, file) in [(issued.key, "tls.key"), (issued.certificate, "tls.crt"), (authority.certificate, "ca.crt")] {
      try Data(contentsOf: URL(filePath: source)).write(to: URL(filePath: "\(folder.path)/tls/\(file)"), options: .atomic)
    }
  }

  /// The TLS options of the controller.
  func controller(_ issuer: TestAuthority? = nil, name: String = "rollcall-controller", usage: String = "clientAuth") throws -> TLSOptions {
    try options(issuer ?? authority, client: (issuer ?? authority).issue(name, usage: usage))
  }

  func options(_ trusted: TestAuthority, client: TestAuthority.Issued?) -> TLSOptions {
    TLSOptions(
      certificateAuthorities: .file(trusted.certificate), clientCertificate: client.map { .file($0.certificate) },
      clientKey: client.map { .file($0.key) }, serverName: "rollcall-agent")
  }

  func get(_ path: String, method: String = "GET", headers: [HTTPHeader] = []) async throws -> HTTPResponse {
    try await transport.send(HTTPRequest(method: method, url: "http://\(listen)\(path)", headers: headers, deadline: .seconds(60)))
  }

  /// Sends a GET over TLS on a new connection.
  func get(_ path: String, _ tls: TLSOptions) async throws -> HTTPResponse {
    try await HTTPTransport().send(HTTPRequest(url: "https://\(listen)\(path)", deadline: .seconds(60), tls: tls))
  }

  func roll(_ tls: TLSOptions, body: [UInt8], path: String = "/v1/roll", method: String = "POST") async throws -> HTTPResponse {
    // A new transport, which has no connection made with other certificates.
    let transport = try HTTPTransport()
    return try await transport.send(
      HTTPRequest(
        method: method, url: "https://\(rollListen)\(path)", headers: [HTTPHeader("Content-Type", "application/json")], body: body,
        deadline: .seconds(60), tls: tls))
  }

  func call(
    _ tls: TLSOptions, node: String = "node-1", hash: String, entries: [RollEntry]?, scrapers: [String]? = nil
  ) async throws -> HTTPResponse {
    try await roll(
      tls, body: [UInt8](JSONEncoder().encode(RollRequest(node: node, hash: hash, entries: entries, scrapers: scrapers))))
  }

  static func entry(_ container: String, id: String) -> RollEntry {
    RollEntry(
      reference: ContainerReference(namespace: "shop", pod: "web-0", container: container), podUID: "u", containerID: id, hostNetwork: false
    )
  }
}

extension HTTPResponse {
  var text: String { String(decoding: body, as: UTF8.self) }

  func report() throws -> RollReport {
    try #require(status == 200, "\(text)")
    return try JSONDecoder().decode(RollReport.self, from: Data(body))
  }
}
