import Foundation
import HTTPTransport
import TestSupport
import Testing
import X509

@testable import Controller

/// TLS on the controller's port, with real handshakes.
@Suite struct PortTLSTests {
  private let now = Int64(Date.now.timeIntervalSince1970)
  private let policy = CertificatePolicy()

  /// Issued by an authority of its own; `secret` has the authority.
  private struct Issued {
    let secret: TLSSecret
    let certificates: PortCertificates

    var trust: TLSOptions {
      TLSOptions(certificateAuthorities: secret.members["ca.crt"].map { .memory($0) }, serverName: "rollcall-controller")
    }
  }

  private func issued(others: [String] = []) throws -> Issued {
    let secret = try CertificateRenewal.newSecret(policy: policy, now: now)
    let certificates = PortCertificates(names: PortNames(namespace: "rollcall", others: others), logger: .silent)
    try renew(certificates, by: secret, at: now)
    return Issued(secret: secret, certificates: certificates)
  }

  private func renew(_ certificates: PortCertificates, by secret: TLSSecret, at now: Int64) throws {
    let parsed = try ParsedSecret(secret)
    try certificates.renew(by: try parsed.authority(at: now), trusted: parsed.authorities, now: now)
  }

  private func serving(_ tls: PortTLS, access: PortAccessSettings, _ body: (ServedController) async throws -> Void) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await tls.run() }
      try await eventually("the certificate is loaded") { tls.context != nil }
      try await ServedController.run(access: access, tls: tls, body)
      group.cancelAll()
    }
  }

  private let strangers = PortAccessSettings(wantsAuthorization: true, wantsTLS: true, trustsLoopback: false, openPaths: [.livez])

  @Test func `R106: a token is looked at over TLS only`() async throws {
    let issued = try issued()
    let tls = PortTLS(logger: .silent) { issued.certificates.current }
    try await serving(tls, access: strangers) { served in
      served.reviews.accept("t", of: "u")
      served.reviews.allow("u", "get", "/metrics")
      let headers = [HTTPHeader("Authorization", "Bearer t")]
      let plain = try await served.request("/metrics", headers: headers)
      #expect(plain.status == 400 && String(decoding: plain.body, as: UTF8.self).contains("needs https"))
      #expect(served.reviews.tokens.isEmpty)
      #expect(try await served.request("/livez").status == 200, "probes need no TLS")
      #expect(try await served.request("/livez", tls: issued.trust).status == 200)
      #expect(try await served.request("/metrics", tls: issued.trust).status == 401)
      #expect(try await served.request("/metrics", headers: headers, tls: issued.trust).status == 200)
      let targets = try await served.request("/sd/v1/targets?source=controller", headers: headers, tls: issued.trust)
      #expect(targets.status == 403, "the user may read /metrics only")
    }
  }

  @Test func `R106: the certificate has the replica's own address and the names of the Service`() async throws {
    let issued = try issued(others: ["10.3.0.4", "rollcall.example", "fd00::7", "10.3.0.4"])
    let pem = try #require(issued.certificates.current?.chain)
    let facts = try CertificateFacts.all(inPEM: String(decoding: pem, as: UTF8.self), key: "test")
    let names = try #require(try facts.first?.certificate.extensions.subjectAlternativeNames).map { "\($0)" }
    #expect(names.count == 9)
    for name in [
      "rollcall-controller", "rollcall-controller.rollcall", "rollcall-controller.rollcall.svc", "localhost", "rollcall.example",
    ] {
      #expect(names.contains { $0.contains("\"\(name)\"") }, "\(name) in \(names)")
    }
    let tls = PortTLS(logger: .silent) { issued.certificates.current }
    try await serving(tls, access: strangers) { served async throws in
      var trust = issued.trust
      for name in [nil, "10.3.0.4", "rollcall-controller.rollcall.svc", "rollcall.example"] {
        trust.serverName = name
        #expect(try await served.request("/livez", tls: trust).status == 200, "\(name ?? "the address")")
      }
      trust.serverName = "rollcall-agent"
      await #expect(throws: HTTPTransportError.self) { try await served.request("/livez", tls: trust) }
    }
  }

  @Test func `R106: a new certificate is used without a restart`() async throws {
    let issued = try issued()
    let other = try CertificateRenewal.newSecret(policy: policy, now: now)
    let tls = PortTLS(logger: .silent) { issued.certificates.current }
    try await serving(tls, access: strangers) { served in
      #expect(try await served.request("/livez", tls: issued.trust).status == 200)
      try renew(issued.certificates, by: other, at: now)
      let trust = TLSOptions(certificateAuthorities: other.members["ca.crt"].map { .memory($0) }, serverName: "rollcall-controller")
      try await eventually("the new one is served") { (try? await served.request("/livez", tls: trust).status) == 200 }
    }
  }

  @Test func `R106: the certificate is renewed in time, and stays while clients trust its authority`() throws {
    let issued = try issued()
    let first = issued.certificates.current
    try renew(issued.certificates, by: issued.secret, at: now + 59 * 86_400)
    #expect(issued.certificates.current == first)

    // The authority is replaced: the bundle has both, and some clients have the old one only.
    var replaced = try CertificateRenewal.newSecret(policy: policy, now: now)
    let own = try #require(issued.secret.members["ca.crt"])
    replaced.members["ca.crt"]?.append(contentsOf: own)
    try renew(issued.certificates, by: replaced, at: now + 3600)
    #expect(issued.certificates.current == first)

    try renew(issued.certificates, by: issued.secret, at: now + 61 * 86_400)
    #expect(issued.certificates.current != nil && issued.certificates.current != first)
  }

  @Test func `R106: an agent does not take the port's certificate for the controller's`() throws {
    let issued = try issued()
    var secret = issued.secret
    let certificate = try #require(issued.certificates.current)
    secret.members["controller.crt"] = certificate.chain
    secret.members["controller.key"] = certificate.key
    #expect(throws: Controller.CertificateError.self) { try ParsedSecret(secret).leaf(.controller, at: now) }
    secret.members["agent.crt"] = certificate.chain
    secret.members["agent.key"] = certificate.key
    #expect(throws: Controller.CertificateError.self) { try ParsedSecret(secret).leaf(.agent, at: now) }
  }

  @Test(.enabled(if: findProgram("openssl") != nil, "openssl is not installed"))
  func `R106: a certificate in files is read again when it changes, and kept while the files are unusable`() async throws {
    let folder = try TemporaryFolder()
    let authority = try TestAuthority(in: folder, name: "ours")
    func install(_ name: String) throws {
      let issued = try authority.issue(name, subjectAlternativeName: "DNS:\(name)", usage: "serverAuth")
      _ = try folder.write(String(contentsOfFile: issued.certificate, encoding: .utf8), to: "tls.crt")
      _ = try folder.write(String(contentsOfFile: issued.key, encoding: .utf8), to: "tls.key")
    }
    try install("first")
    let log = RecordedLog()
    let tls = PortTLS(logger: log.logger, certificate: PortTLS.files(in: folder.path))
    try await serving(tls, access: strangers) { served in
      var trust = TLSOptions(certificateAuthorities: .file(authority.certificate), serverName: "first")
      #expect(try await served.request("/livez", tls: trust).status == 200)
      _ = try folder.write("-----BEGIN PRIVATE", to: "tls.key")
      try await eventually("the problem is logged") { log.count("cannot use the certificate of this port") == 1 }
      #expect(try await served.request("/livez", tls: trust).status == 200)
      try install("second")
      trust.serverName = "second"
      try await eventually("the second is served") { (try? await served.request("/livez", tls: trust).status) == 200 }
    }
    let missing = PortTLS.files(in: "\(folder.path)/missing")
    #expect(throws: (any Error).self) { try missing() }
  }
}
