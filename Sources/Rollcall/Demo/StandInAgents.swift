internal import FoundationEssentials
internal import Hummingbird
internal import HummingbirdCore
internal import JSON
internal import Logging
internal import NIOCore
internal import NIOSSL
internal import Roll
internal import Simulator
internal import Synchronization
internal import TLSServing

/// Stand-ins for the agents of all nodes of a population, in one server on one port of all addresses. They speak the real protocol, over
/// mutual TLS with the certificates that the controller has written, and every container is collected.
struct StandInAgents: Sendable {
  let server: SimulatedAPIServer
  let port: Int
  /// By node, the roll that its agent holds.
  private let rolls = Rolls()

  /// Of a roll, as in an agent.
  private static let maximumBodyBytes = 8 << 20

  init(server: SimulatedAPIServer, port: Int) {
    self.server = server
    self.port = port
  }

  /// Serves until the task is cancelled.
  func run() async throws {
    let context = try await context()
    let router = Router()
    router.post("v1/roll") { request, _ in
      let body = try await request.body.collect(upTo: Self.maximumBodyBytes)
      let call = try JSONDecoder().decode(RollRequest.self, from: Data(body.readableBytesView))
      if let entries = call.entries { rolls.hold(call.hash, count: entries.count, node: call.node) }
      guard let count = rolls.count(call.hash, node: call.node) else {
        return try Self.answer(.conflict, RollConflict(.unknownRoll, detail: "unknown roll"))
      }
      let answers = [AgentAnswer](repeating: .collected(age: 0.5), count: count)
      return try Self.answer(.ok, RollReport(hash: call.hash, answers: answers, secondsSinceScrape: 1))
    }
    let logger = Logger.quiet("stand-in")
    try await Application(
      router: router,
      server: HTTPServerBuilder { responder in
        TLSServerChannel(
          base: HTTP1Channel(responder: responder), handshakes: HandshakeReport(logger: logger), acceptsPlainText: false
        ) { context }
      },
      configuration: .init(address: .hostname("0.0.0.0", port: port)), logger: logger
    ).runEndingInOrder()
  }

  private static func answer(_ status: HTTPResponse.Status, _ message: some Encodable) throws -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"],
      body: .init(byteBuffer: ByteBuffer(bytes: try JSONEncoder().encode(message))))
  }

  /// Waits for the Secret of the agents, which the controller writes.
  private func context() async throws -> NIOSSLContext {
    while true {
      let data = server.get("secrets", namespace: "rollcall", name: "rollcall-tls")?["data"]
      func file(_ name: String) -> [UInt8]? { data?[name]?.string.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } }
      if let authority = file("ca.crt"), let certificate = file("agent.crt"), let key = file("agent.key") {
        var configuration = TLSConfiguration.makeServerConfiguration(
          certificateChain: try NIOSSLCertificate.fromPEMBytes(certificate).map { .certificate($0) },
          privateKey: .privateKey(try NIOSSLPrivateKey(bytes: key, format: .pem)))
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authority))
        configuration.certificateVerification = .noHostnameVerification
        return try NIOSSLContext(configuration: configuration)
      }
      try await Task.sleep(for: .milliseconds(200))
    }
  }
}

private final class Rolls: Sendable {
  private struct Held {
    var hash: String
    var count: Int
  }

  private let held = Mutex<[String: Held]>([:])

  func hold(_ hash: String, count: Int, node: String) {
    held.withLock { $0[node] = Held(hash: hash, count: count) }
  }

  /// The containers of the roll; `nil` if the agent holds another one.
  func count(_ hash: String, node: String) -> Int? {
    held.withLock { $0[node].flatMap { $0.hash == hash ? $0.count : nil } }
  }
}
