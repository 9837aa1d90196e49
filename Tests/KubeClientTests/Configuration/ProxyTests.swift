import Foundation
import JSON
import Logging
import TestSupport
import Testing

@testable import KubeClient

/// Real proxies in front of a real TLS server, configured by a kubeconfig.
@Suite(.timeLimit(.minutes(2)))
struct ProxyTests {
  let folder: TemporaryFolder
  let authority: TestAuthority

  init() throws {
    folder = try TemporaryFolder()
    authority = try TestAuthority(in: folder, name: "cluster")
  }

  @Test func `an http proxy gets a CONNECT`() async throws {
    let server = try await server()
    defer { server.stop() }
    let proxy = try await tinyproxy()
    defer { proxy.program.kill() }
    #expect(try await sendRequest(server, through: "http://\(proxy.address)") == "Bearer t0ken")
    #expect(proxy.program.output.contains("CONNECT \(server.address) HTTP/1.1"), "the request goes through the proxy")
    #expect(!proxy.program.output.contains("t0ken"))
    proxy.program.kill()
    await expectFailure(server, through: "http://\(proxy.address)", .unreachable)
  }

  @Test func `an http proxy with a right and a wrong password`() async throws {
    let server = try await server()
    defer { server.stop() }
    let proxy = try await tinyproxy(more: "BasicAuth me s3cret")
    defer { proxy.program.kill() }
    #expect(try await sendRequest(server, through: "http://me:s3cret@\(proxy.address)") == "Bearer t0ken")
    // RFC 9110 specifies 407 for both; tinyproxy responds 401 to a wrong password.
    for (user, status) in [("", 407), ("me:wr0ng@", 401)] {
      let error = await #expect(throws: KubeError.self) { try await sendRequest(server, through: "http://\(user)\(proxy.address)") }
      let text = error?.description ?? ""
      #expect(text.contains("response \(status) (through the proxy http://\(proxy.address))"), "\(text)")
      #expect(!text.contains("wr0ng"))
    }
  }

  @Test func `the certificate of an https proxy is verified`() async throws {
    let server = try await server()
    defer { server.stop() }
    let plain = try await tinyproxy()
    defer { plain.program.kill() }
    let proxy = try await tlsFront(before: plain.address, signedBy: authority)
    defer { proxy.program.stop() }
    #expect(try await sendRequest(server, through: "https://\(proxy.address)") == "Bearer t0ken")
    #expect(plain.program.output.contains("CONNECT \(server.address) HTTP/1.1"))

    let impostor = try await tlsFront(before: plain.address, signedBy: try TestAuthority(in: folder, name: "other"))
    defer { impostor.program.stop() }
    await expectFailure(server, through: "https://\(impostor.address)", .tls)
  }

  @Test(arguments: [true, false]) func `a SOCKS5 proxy with and without a password`(wantsPassword: Bool) async throws {
    let server = try await server()
    defer { server.stop() }
    let address = OwnAddress()
    let proxy = try ExternalProgram(
      "microsocks", ["-i", address.host, "-p", "\(address.port)"] + (wantsPassword ? ["-u", "me", "-P", "s3cret"] : []),
      log: folder.path + "/socks.log")
    defer { proxy.kill() }
    try await proxy.waitForPort(address)
    #expect(try await sendRequest(server, through: "socks5://\(wantsPassword ? "me:s3cret@" : "")\(address)") == "Bearer t0ken")
    if wantsPassword { await expectFailure(server, through: "socks5://me:wr0ng@\(address)", .unreachable) }
    proxy.kill()
    await expectFailure(server, through: "socks5://\(address)", .unreachable)
  }

  // MARK: Helpers

  private func server() async throws -> TLSFront {
    try await TLSFront(folder: folder, signedBy: authority, acceptedToken: "t0ken")
  }

  /// The `Authorization` header that reached the server.
  @discardableResult
  private func sendRequest(_ server: TLSFront, through proxy: String) async throws -> String? {
    let directory = try ConfigurationDirectory()
    let path = try directory.write(
      "config",
      kubeconfig(cluster: "server: '\(server.url)', certificate-authority: '\(authority.certificate)', proxy-url: '\(proxy)'"))
    let client = try KubeClient(
      configuration: try directory.load(kubeconfig: path), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
    return try await client.get(.nodes, name: "a")["token"]?.string
  }

  private func expectFailure(_ server: TLSFront, through proxy: String, _ kind: TransportFailure.Kind) async {
    let error = await #expect(throws: KubeError.self) { try await sendRequest(server, through: proxy) }
    guard case .transport(let failure) = error, failure.kind == kind else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!failure.message.contains("wr0ng"))
  }

  private func tinyproxy(more: String = "") async throws -> (program: ExternalProgram, address: OwnAddress) {
    let address = OwnAddress()
    let configuration = try folder.write(
      "Port \(address.port)\nListen \(address.host)\nAllow 127.0.0.1\nTimeout 60\nMaxClients 20\nLogLevel Info\n\(more)\n",
      to: "tinyproxy.conf")
    let program = try ExternalProgram("tinyproxy", ["-d", "-c", configuration], log: folder.path + "/tinyproxy.log")
    try await program.waitForPort(address)
    return (program, address)
  }

  /// nginx that terminates TLS in front of a plain port.
  private func tlsFront(
    before plain: OwnAddress, signedBy authority: TestAuthority
  ) async throws -> (program: ExternalProgram, address: OwnAddress) {
    let address = OwnAddress()
    let certificate = try authority.issue("proxy-\(address.host)", subjectAlternativeName: "IP:\(address.host)", usage: "serverAuth")
    let configuration = try folder.write(
      """
      load_module /usr/lib/nginx/modules/ngx_stream_module.so;
      user root;
      daemon off;
      pid proxy-\(address.host).pid;
      error_log stderr;
      events { worker_connections 64; }
      stream {
        server {
          listen \(address) ssl;
          ssl_certificate \(certificate.certificate);
          ssl_certificate_key \(certificate.key);
          proxy_pass \(plain);
        }
      }
      """, to: "proxy-\(address.host).conf")
    let program = try ExternalProgram(
      "nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], log: folder.path + "/proxy-\(address.host).log")
    try await program.waitForPort(address)
    return (program, address)
  }
}

extension ExternalProgram {
  /// SIGKILL, since the plain proxies ignore SIGTERM while they have connections. nginx would leave its workers behind.
  fileprivate func kill() {
    send(signal: SIGKILL)
    stop()
  }
}
