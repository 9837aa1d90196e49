import Foundation
import HTTPTransport
import TestSupport
import Testing

/// HTTP/2 with a real nginx, which sends GOAWAY after `keepalive_requests`, and with a scripted server behind nginx's TLS.
@Suite(.timeLimit(.minutes(2))) struct HTTP2Tests {
  let folder: TemporaryFolder
  let authority: TestAuthority
  let transport: HTTPTransport
  let address = OwnAddress()

  init() throws {
    folder = try TemporaryFolder()
    authority = try TestAuthority(in: folder, name: "authority")
    transport = try HTTPTransport()
  }

  private func request(_ path: String) -> HTTPRequest {
    var request = HTTPRequest(
      url: "https://\(address)\(path)", deadline: .seconds(30), tls: TLSOptions(certificateAuthorities: .file(authority.certificate))
    )
    request.allowsHTTP2 = true
    return request
  }

  private func text(_ path: String) async throws -> String {
    String(decoding: try await transport.send(request(path)).body, as: UTF8.self)
  }

  @Test func `R11: after GOAWAY an open stream continues and new requests use a new connection`() async throws {
    let gate = Gate()
    let source = try ScriptedServer { connection in
      guard try connection.readRequest() != nil else { return }
      try connection.sendHead(status: 200, headers: [("Transfer-Encoding", "chunked")])
      try connection.sendChunk("first ")
      try connection.stall(until: gate)
      try connection.sendChunk("last")
      try connection.sendChunk("")
    }
    defer { source.stop() }
    let nginx = try await nginx(
      """
      http {
        access_log off; keepalive_requests 3; proxy_buffering off; proxy_http_version 1.1;
        client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
        server {
          listen \(address) ssl http2;
          \(try certificate())
          location / { return 200 "$server_protocol $connection"; }
          location /watch { proxy_pass \(source.url); }
        }
      }
      """)
    defer { nginx.stop() }
    let stream = try await transport.open(request("/watch"))
    var pieces = stream.body.makeAsyncIterator()
    #expect(try await pieces.next() == Array("first ".utf8))
    var responses: [String] = []
    for _ in 0..<6 { responses.append(try await text("/")) }
    #expect(responses.allSatisfy { $0.hasPrefix("HTTP/2.0 ") })
    #expect(Set(responses).count >= 2, "\(responses)")
    gate.open()
    var rest: [UInt8] = []
    while let piece = try await pieces.next() { rest += piece }
    #expect(String(decoding: rest, as: UTF8.self) == "last")
  }

  /// A frame as in RFC 9113, section 4.1.
  private static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt8 = 0, _ payload: [UInt8] = []) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 0xff), type, flags, 0, 0, 0, stream] + payload
  }

  @Test func `R11: a connection closed after GOAWAY cuts the stream after its received bytes`()
    async throws
  {
    let source = try ScriptedServer { connection in
      // The client's preface, settings and request, in any order.
      _ = try connection.receive()
      try connection.send(Self.frame(4))  // SETTINGS
      try connection.send(Self.frame(1, flags: 4, stream: 1, [0x88]))  // HEADERS: ":status: 200" of the static table
      try connection.send(Self.frame(0, stream: 1, Array("half an eve".utf8)))
      try connection.send(Self.frame(7, [0, 0, 0, 1, 0, 0, 0, 0]))  // GOAWAY: stream 1 was the last, no error
      connection.finish()
      try connection.waitForClose()
    }
    defer { source.stop() }
    let nginx = try await nginx(
      "stream { server { listen \(address) ssl; ssl_alpn h2; \(try certificate()) proxy_pass 127.0.0.1:\(source.port); } }")
    defer { nginx.stop() }
    let stream = try await transport.open(request("/watch"))
    #expect(stream.status == 200)
    var pieces = stream.body.makeAsyncIterator()
    var received: [UInt8] = []
    let error = await #expect(throws: HTTPTransportError.self) { while let piece = try await pieces.next() { received += piece } }
    #expect(String(decoding: received, as: UTF8.self) == "half an eve")
    guard case .cut = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  private func certificate() throws -> String {
    let issued = try authority.issue("server", subjectAlternativeName: "IP:\(address.host)", usage: "serverAuth")
    return "ssl_certificate \(issued.certificate); ssl_certificate_key \(issued.key);"
  }

  private func nginx(_ content: String) async throws -> ExternalProgram {
    let configuration = try folder.write(
      "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
        + "user root; daemon off; pid nginx.pid; error_log stderr; events { worker_connections 64; }\n" + content, to: "nginx.conf")
    let nginx = try ExternalProgram("nginx", ["-p", folder.path, "-e", "stderr", "-c", configuration], log: folder.path + "/nginx.log")
    try await nginx.waitForPort(address)
    return nginx
  }
}
