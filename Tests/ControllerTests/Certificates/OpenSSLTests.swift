import Foundation
import TestSupport
import Testing

@testable import Controller

/// OpenSSL accepts our certificates.
@Suite(.enabled(if: findProgram("openssl") != nil, "openssl is not installed")) struct OpenSSLTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let secret = try CertificateRenewal.newSecret(policy: CertificatePolicy(), now: Int64(Date().timeIntervalSince1970))
    for (name, bytes) in secret.members { _ = try folder.write(String(decoding: bytes, as: UTF8.self), to: name) }
  }

  private func openssl(_ arguments: String...) async throws -> (status: Int32, output: String) {
    let program = try ExternalProgram("openssl", arguments, directory: folder.path, log: folder.path + "/\(arguments[0]).log")
    let status = try await program.waitForExit()
    return (status, program.output)
  }

  @Test(arguments: [("agent", "sslserver", "rollcall-agent"), ("controller", "sslclient", "rollcall-controller")])
  func `each leaf certificate is valid for its purpose`(role: String, purpose: String, name: String) async throws {
    let good = try await openssl(
      "verify", "-x509_strict", "-CAfile", "ca.crt", "-purpose", purpose, "-verify_hostname", name, "\(role).crt")
    #expect(good.status == 0, "\(good.output)")
  }

  @Test(arguments: [("agent", "sslclient"), ("controller", "sslserver")])
  func `a leaf certificate is not valid for any other purpose`(role: String, purpose: String) async throws {
    #expect(try await openssl("verify", "-CAfile", "ca.crt", "-purpose", purpose, "\(role).crt").status != 0)
  }

  @Test func `a leaf certificate cannot act as a CA`() async throws {
    #expect(try await openssl("verify", "-CAfile", "agent.crt", "-partial_chain", "controller.crt").status != 0)
  }

  @Test(arguments: ["ca", "agent", "controller"])
  func `private keys match their certificates`(name: String) async throws {
    let certificate = try await openssl("x509", "-in", "\(name).crt", "-noout", "-pubkey").output
    let key = try await openssl("pkey", "-in", "\(name).key", "-pubout").output
    #expect(certificate == key)
    #expect(certificate.contains("BEGIN PUBLIC KEY"))
  }

  @Test func `certificates have the intended fields and extensions`() async throws {
    let text = try await openssl("x509", "-in", "agent.crt", "-noout", "-text").output
    for part in [
      "Version: 3", "ecdsa-with-SHA256", "prime256v1", "DNS:rollcall-agent", "TLS Web Server Authentication", "CA:FALSE",
      "X509v3 Key Usage: critical", "X509v3 Authority Key Identifier",
    ] {
      #expect(text.contains(part))
    }
    #expect(try await openssl("x509", "-in", "ca.crt", "-noout", "-text").output.contains("CA:TRUE, pathlen:0"))
  }

  /// A TLS handshake between the two roles succeeds; a client without a certificate is rejected.
  @Test func `controller and agent complete a mutual TLS handshake`() async throws {
    let address = OwnAddress()
    let server = try ExternalProgram(
      "openssl",
      [
        "s_server", "-accept", "\(address)", "-cert", "agent.crt", "-key", "agent.key", "-CAfile", "ca.crt", "-Verify", "1",
        "-verify_return_error", "-www",
      ], directory: folder.path, log: folder.path + "/server.log")
    defer { server.stop() }
    try await server.waitForPort(address)
    let common = [
      "-connect", "\(address)", "-CAfile", "ca.crt", "-verify_return_error", "-verify_hostname", "rollcall-agent", "-brief",
      "-tls1_2",
    ]
    let known = try ExternalProgram(
      "openssl", ["s_client", "-cert", "controller.crt", "-key", "controller.key"] + common, directory: folder.path,
      log: folder.path + "/known.log")
    #expect(try await known.waitForExit() == 0)
    #expect(known.output.contains("Verification: OK"))
    let stranger = try ExternalProgram(
      "openssl", ["s_client"] + common, directory: folder.path, log: folder.path + "/stranger.log")
    #expect(try await stranger.waitForExit() != 0)
  }
}
