import Foundation
import HTTPTransport
import TestSupport
import Testing

/// A real nginx, with and without required client certificates. Responses contain the client's name and the connection's number.
private struct SecureServer {
  let folder: TemporaryFolder
  let authority: TestAuthority
  let nginx: ExternalProgram
  /// Wants no client certificate.
  let address = OwnAddress()
  /// Wants one.
  let mutual = OwnAddress()
  /// Speaks TLS 1.1 only.
  let old = OwnAddress()

  init() async throws {
    folder = try TemporaryFolder()
    authority = try TestAuthority(in: folder, name: "authority")
    let server = try authority.issue(
      "server", subjectAlternativeName: "DNS:rollcall-agent,DNS:localhost,IP:\(address.host),IP:\(mutual.host)", usage: "serverAuth")
    _ = try folder.write(String(repeating: "rollcall_test_metric 1\n", count: 10_000), to: "metrics")
    let configuration = try folder.write(
      """
      user root;
      daemon off;
      pid nginx.pid;
      error_log stderr;
      events { worker_connections 64; }
      http {
        access_log off;
        default_type text/plain;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        ssl_certificate \(server.certificate);
        ssl_certificate_key \(server.key);
        ssl_protocols TLSv1.2 TLSv1.3;
        gzip on; gzip_types text/plain; gzip_min_length 1;
        server {
          listen \(address) ssl;
          location / { return 200 "$ssl_server_name $http_host $ssl_protocol $connection $http_accept_encoding"; }
          location /metrics { root \(folder.path); }
        }
        server {
          listen \(old) ssl;
          ssl_protocols TLSv1.1;
          ssl_ciphers ALL:@SECLEVEL=0;
          location / { return 200 "old"; }
        }
        server {
          listen \(mutual) ssl;
          ssl_client_certificate \(authority.certificate);
          ssl_verify_client on;
          location / { return 200 "$ssl_client_s_dn $connection"; }
        }
      }
      """, to: "nginx.conf")
    nginx = try ExternalProgram(
      "nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], log: folder.path + "/nginx.log")
    try await nginx.waitForPort(address)
    try await nginx.waitForPort(mutual)
  }

  func options(_ client: TestAuthority.Issued? = nil) -> TLSOptions {
    TLSOptions(
      certificateAuthorities: .file(authority.certificate), clientCertificate: client.map { .file($0.certificate) },
      clientKey: client.map { .file($0.key) })
  }

  func memory(_ path: String) throws -> PEMSource {
    .memory(Array(try Data(contentsOf: URL(fileURLWithPath: path))))
  }
}

@Suite(.enabled(if: findProgram("nginx") != nil, "nginx is not installed: apt-get install nginx-light"))
struct TLSTests {
  let transport: HTTPTransport
  private let server: SecureServer

  init() async throws {
    transport = try HTTPTransport()
    server = try await SecureServer()
  }

  private func words(_ url: String, _ options: TLSOptions?) async throws -> [Substring] {
    let response = try await transport.send(HTTPRequest(url: url, deadline: .seconds(30), tls: options))
    return String(decoding: response.body, as: UTF8.self).split(separator: " ", omittingEmptySubsequences: false)
  }

  private var url: String { "https://\(server.address)/" }
  private var mutualURL: String { "https://\(server.mutual)/" }

  @Test func `authorities come from a file or memory`() async throws {
    for authority in [PEMSource.file(server.authority.certificate), try server.memory(server.authority.certificate)] {
      let words = try await words(url, TLSOptions(certificateAuthorities: authority))
      #expect(words[2] == "TLSv1.3")
    }
  }

  @Test func `the server name may differ from the URL's host`() async throws {
    var options = server.options()
    options.serverName = "rollcall-agent"
    let words = try await words(url, options)
    #expect(words[0] == "rollcall-agent")
    #expect(words[1] == "\(server.address)")
    options.serverName = "somebody-else"
    #expect(await transportError { try await self.words(url, options) }?.kind == "tls")
  }

  @Test func `an untrusted authority is rejected`() async throws {
    let folder = try TemporaryFolder()
    let other = try TestAuthority(in: folder, name: "other")
    let error = await transportError { try await words(url, TLSOptions(certificateAuthorities: .file(other.certificate))) }
    #expect(error?.kind == "tls")
    // The system's authorities do not include it either.
    #expect(await transportError { try await words(url, nil) }?.kind == "tls")
    // A pooled connection of another request with other options is not reused.
    _ = try await words(url, server.options())
    #expect(await transportError { try await words(url, TLSOptions(certificateAuthorities: .file(other.certificate))) }?.kind == "tls")
  }

  @Test func `verification is only skipped on explicit request`() async throws {
    #expect(try await words(url, TLSOptions(verification: .none))[2] == "TLSv1.3")
    // An unverified pooled connection is not reused for a request with verification.
    #expect(await transportError { try await words(url, TLSOptions()) }?.kind == "tls")
  }

  @Test(arguments: ["", "no PEM at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
  func `unusable authorities are a TLS error`(text: String) async throws {
    let error = await transportError { try await words(url, TLSOptions(certificateAuthorities: .memory(Array(text.utf8)))) }
    #expect(error?.kind == "tls")
  }

  @Test func `R26 TLS 1.1 is rejected with and without verification`() async throws {
    // The server supports it.
    let old = try ExternalProgram(
      "openssl", ["s_client", "-connect", "\(server.old)", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
      log: server.folder.path + "/s_client.log")
    _ = try await old.waitForLine(containing: "Protocol  : TLSv1.1")
    for options in [TLSOptions(verification: .none), server.options()] {
      let error = await transportError { try await transport.send(HTTPRequest(url: "https://\(server.old)/", tls: options)) }
      guard case .tls = error else {
        Issue.record("\(String(describing: error))")
        continue
      }
    }
  }

  @Test func `an error names the missing file`() async throws {
    let error = await transportError { try await words(url, TLSOptions(certificateAuthorities: .file("/nonexistent/ca.crt"))) }
    #expect(error?.kind == "tls")
    #expect(error?.description.contains("/nonexistent/ca.crt: No such file") == true)
  }

  @Test func `a client certificate comes from files, memory or one combined file`() async throws {
    let client = try server.authority.issue("rollcall-controller", usage: "clientAuth")
    #expect(try await words(mutualURL, server.options(client))[0] == "CN=rollcall-controller")
    var options = server.options()
    options.clientCertificate = try server.memory(client.certificate)
    options.clientKey = try server.memory(client.key)
    #expect(try await words(mutualURL, options)[0] == "CN=rollcall-controller")
    // Certificate and key in one file.
    let both = try server.folder.write(
      String(contentsOfFile: client.certificate, encoding: .utf8) + String(contentsOfFile: client.key, encoding: .utf8), to: "both.pem")
    options.clientCertificate = .file(both)
    options.clientKey = nil
    #expect(try await words(mutualURL, options)[0] == "CN=rollcall-controller")
    // Without a client certificate nginx responds with 400: the pooled connections with one are not reused.
    let bare = try await transport.send(HTTPRequest(url: mutualURL, tls: server.options()))
    #expect(bare.status == 400)
  }

  @Test func `a key of another certificate is rejected`() async throws {
    let one = try server.authority.issue("one", usage: "clientAuth")
    let two = try server.authority.issue("two", usage: "clientAuth")
    let mixed = TestAuthority.Issued(certificate: one.certificate, key: two.key)
    #expect(await transportError { try await words(mutualURL, server.options(mixed)) }?.kind == "tls")
  }

  @Test func `R21: a renewed certificate is used on a new connection`() async throws {
    let first = try server.authority.issue("first", usage: "clientAuth")
    let second = try server.authority.issue("second", usage: "clientAuth")
    let options = server.options(first)
    let before = try await words(mutualURL, options)
    #expect(before[0] == "CN=first")
    #expect(try await words(mutualURL, options) == before)
    for (new, old) in [(second.certificate, first.certificate), (second.key, first.key)] {
      #expect(rename(new, old) == 0)
    }
    let after = try await words(mutualURL, options)
    #expect(after[0] == "CN=second")
    #expect(after[1] != before[1])
  }

  @Test func `a gzipped response is decompressed and limited`() async throws {
    var request = HTTPRequest(url: url + "metrics", tls: server.options())
    let plain = try await transport.send(request)
    #expect(plain.header("content-encoding") == nil)
    request.acceptsCompression = true
    let compressed = try await transport.send(request)
    #expect(compressed.header("content-encoding") == "gzip")
    #expect(compressed.body == plain.body)
    #expect(plain.body.count == 230_000)
    request.maximumBodyBytes = 229_999
    #expect(await transportError { try await transport.send(request) }?.kind == "tooLarge")
  }

  @Test func `a server without TLS is a TLS error`() async throws {
    let plain = try ScriptedServer { connection in
      _ = try connection.receive()
      try connection.respond(status: 400)
    }
    #expect(await transportError { try await words("https://127.0.0.1:\(plain.port)/", nil) }?.kind == "tls")
  }
}
