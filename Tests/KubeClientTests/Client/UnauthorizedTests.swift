import Foundation
import Logging
import TestSupport
import Testing

@testable import KubeClient

/// Tokens require TLS, so nginx terminates TLS in front of a scripted server.
@Suite(.enabled(if: findProgram("nginx") != nil, "nginx is not installed: apt-get install nginx-light"))
struct UnauthorizedTests {
  @Test(.timeLimit(.minutes(1)))
  func `R20, R26: a 401 reads the token file again and retries once; the log has no token`() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("old-token", to: "token")
    let server = try scriptedServer { request, connection in
      if request.header("Authorization") == "Bearer old-token" {
        _ = try folder.write("new-token", to: "token")
        try connection.json(401, Samples.statusJSON(401, "Unauthorized"))
      } else {
        try connection.json("{}")
      }
    }
    defer { server.stop() }
    let log = RecordedLog()
    try await withTLS(folder, before: server) { configuration in
      var configuration = configuration
      configuration.credentials = .tokenFile(path: file, initial: nil)
      let client = try KubeClient(configuration: configuration, logger: log.logger)
      _ = try await client.get(.nodes, name: "a")
    }
    #expect(server.requests.map { $0.header("Authorization") } == ["Bearer old-token", "Bearer new-token"])
    #expect(!log.lines.isEmpty && !log.text.contains("-token"))
  }

  @Test(.timeLimit(.minutes(1)))
  func `R20: an unchanged token is not sent again`() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("same", to: "token")
    let server = try scriptedServer { _, connection in try connection.json(401, Samples.statusJSON(401, "Unauthorized")) }
    defer { server.stop() }
    try await withTLS(folder, before: server) { configuration in
      var configuration = configuration
      configuration.credentials = .tokenFile(path: file, initial: nil)
      let client = try KubeClient(configuration: configuration, logger: Logger(label: "test"))
      let error = await #expect(throws: KubeError.self) { try await client.get(.nodes, name: "a") }
      #expect(error?.status?.code == 401)
    }
    #expect(server.requests.count == 1)
  }

  @Test(.timeLimit(.minutes(1)))
  func `R22: a persistent 401 does not run the plugin for each request`() async throws {
    let folder = try TemporaryFolder()
    let directory = try ConfigurationDirectory()
    try directory.script(
      "bin/plugin",
      #"""
      echo run >> "$0.runs"
      printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t%s"}}' "$(grep -c run "$0.runs")"
      """#)
    let server = try scriptedServer { _, connection in try connection.json(401, Samples.statusJSON(401, "Unauthorized")) }
    defer { server.stop() }
    try await withTLS(folder, before: server) { configuration in
      var configuration = configuration
      configuration.credentials = .plugin(CredentialPlugin(command: "\(directory.path)/bin/plugin"))
      let client = try KubeClient(configuration: configuration, logger: Logger(label: "test"))
      for _ in 1...5 {
        let error = await #expect(throws: KubeError.self) { try await client.get(.nodes, name: "a") }
        #expect(error?.status?.code == 401)
      }
    }
    // Once for the first credential and once after the first refusal. The back-off has not passed since.
    #expect(try directory.text("bin/plugin.runs") == "run\nrun\n")
    #expect(server.requests.map { $0.header("Authorization") } == ["Bearer t1"] + Array(repeating: "Bearer t2", count: 5))
  }

  @Test(.timeLimit(.minutes(1)))
  func `a fixed token is not sent twice`() async throws {
    let folder = try TemporaryFolder()
    let server = try scriptedServer { _, connection in try connection.json(401, Samples.statusJSON(401, "Unauthorized")) }
    defer { server.stop() }
    try await withTLS(folder, before: server) { configuration in
      var configuration = configuration
      configuration.credentials = .token(Secret("fixed"))
      let client = try KubeClient(configuration: configuration, logger: Logger(label: "test"))
      let error = await #expect(throws: KubeError.self) { try await client.get(.nodes, name: "a") }
      #expect(error?.status?.code == 401)
    }
    #expect(server.requests.count == 1)
  }

  private func withTLS(
    _ folder: TemporaryFolder, before server: ScriptedServer, _ body: (ClusterConfiguration) async throws -> Void
  ) async throws {
    let authority = try TestAuthority(in: folder, name: "cluster")
    let front = try await TLSFront(folder: folder, signedBy: authority, upstream: server.url)
    defer { front.stop() }
    try await body(
      ClusterConfiguration(server: front.url, tls: ClusterTLS(certificateAuthorities: .file(authority.certificate))))
  }
}
