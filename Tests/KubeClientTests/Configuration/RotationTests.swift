import JSON
import Logging
import TestSupport
import Testing

@testable import KubeClient

@Suite(
  .enabled(if: findProgram("nginx") != nil, "nginx is not installed: apt-get install nginx-light"),
  .timeLimit(.minutes(2)))
struct RotationTests {
  let folder: TemporaryFolder
  let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  init() throws { folder = try TemporaryFolder() }

  @Test func `R21: the next request uses a new client certificate`() async throws {
    let authority = try TestAuthority(in: folder, name: "cluster")
    let server = try await TLSFront(
      folder: folder, signedBy: authority, clientAuthority: authority.certificate)
    defer { server.stop() }
    let old = try authority.issue("old-name", usage: "clientAuth")
    let new = try authority.issue("new-name", usage: "clientAuth")
    let (certificate, key) = ("\(folder.path)/client.crt", "\(folder.path)/client.key")
    try replaceFile(old.certificate, to: certificate)
    try replaceFile(old.key, to: key)
    let tls = ClusterTLS(certificateAuthorities: .file(authority.certificate), clientCertificate: .file(certificate), clientKey: .file(key))
    let client = try KubeClient(configuration: ClusterConfiguration(server: server.url, tls: tls), logger: logger)
    #expect(try await client.get(.nodes, name: "a")["caller"] == "CN=old-name")
    try replaceFile(new.certificate, to: certificate)
    try replaceFile(new.key, to: key)
    #expect(try await client.get(.nodes, name: "a")["caller"] == "CN=new-name", "not on the connection with the old certificate")
  }

  @Test func `R21: new certificate authorities replace the old ones`() async throws {
    let (old, new) = (try TestAuthority(in: folder, name: "old"), try TestAuthority(in: folder, name: "new"))
    let server = try await TLSFront(folder: folder, signedBy: new)
    defer { server.stop() }
    let authorities = "\(folder.path)/ca.crt"
    try replaceFile(old.certificate, to: authorities)
    let configuration = ClusterConfiguration(server: server.url, tls: ClusterTLS(certificateAuthorities: .file(authorities)))
    let client = try KubeClient(configuration: configuration, logger: logger)
    func expectRefusal() async throws {
      let error = try #require(await #expect(throws: KubeError.self) { try await client.get(.nodes, name: "a") })
      guard case .transport(let failure) = error, failure.kind == .tls else {
        Issue.record("\(error)")
        return
      }
    }
    try await expectRefusal()
    try replaceFile(new.certificate, to: authorities)
    #expect(try await client.get(.nodes, name: "a")["caller"] == "")
    try replaceFile(old.certificate, to: authorities)
    try await expectRefusal()
  }

  @Test func `R22: after a 401 the plugin runs once for all requests, and its certificate is used`() async throws {
    let directory = try ConfigurationDirectory()
    let authority = try TestAuthority(in: folder, name: "cluster")
    let issued = try authority.issue("from-plugin", usage: "clientAuth")
    let server = try await TLSFront(
      folder: folder, signedBy: authority, clientAuthority: authority.certificate, acceptedToken: "t2")
    defer { server.stop() }
    // The second run returns the token that the server accepts.
    try directory.script(
      "bin/plugin",
      #"""
      echo run >> "$0.runs"
      pem() { awk '{printf "%s\\n", $0}' "$1"; }
      printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t%s",' "$(grep -c run "$0.runs")"
      printf '"clientCertificateData":"%s","clientKeyData":"%s"}}' "$(pem "$1")" "$(pem "$2")"
      """#)
    let path = try directory.write(
      "config",
      kubeconfig(
        cluster: "server: '\(server.url)', certificate-authority: '\(authority.certificate)'",
        user: "exec: {command: bin/plugin, args: ['\(issued.certificate)', '\(issued.key)'], apiVersion: client.authentication.k8s.io/v1, "
          + "interactiveMode: Never}"))
    let log = RecordedLog()
    let client = try KubeClient(
      configuration: try directory.load(kubeconfig: path), logger: log.logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 1...20 {
        group.addTask {
          let object = try await client.get(.nodes, name: "a")
          #expect(object["caller"] == "CN=from-plugin")
          #expect(object["token"] == "Bearer t2")
        }
      }
      try await group.waitForAll()
    }
    #expect(try directory.text("bin/plugin.runs") == "run\nrun\n")
    #expect(!log.lines.isEmpty && !log.text.contains("Bearer") && !log.text.contains("PRIVATE"))
  }
}
