import FoundationEssentials
import HTTPTypes
import Hummingbird
import LinuxCollector
import Logging
import NIOCore
import NIOFoundationEssentialsCompat
import NIOSSL
import Roll

/// Answers `POST /v1/roll`, for the controller only.
struct RollResponder: HTTPResponder {
  /// Fits a roll of 20,000 entries of 400 bytes each.
  static let maximumBodyBytes = 8 << 20

  /// The node that rolls are for; `nil` accepts rolls for any node.
  let node: String?
  let sweeps: SharedSweep
  let heldRoll: HeldRoll

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    // The handshake has verified the certificate's chain, but not its purpose.
    guard let certificate = try await context.channel.nioSSL_peerCertificate().get(), certificate.isForClientAuthentication else {
      return .text(.forbidden, "the client certificate lacks the extended key usage clientAuth, so it is not the controller's")
    }
    guard request.uri.path == "/v1/roll" else { return .text(.notFound, "not found; the roll is at /v1/roll") }
    guard request.method == .post else { return .methodNotAllowed(.post) }
    do throws(Refusal) {
      let call = try await decode(request)
      if let node, call.node != node {
        return conflict(.wrongNode, "this agent runs on the node \(node), not on \(call.node.prefix(253))")
      }
      guard let entries = try entries(for: call) else { return conflict(.unknownRoll, "unknown roll: send its entries") }
      return await answer(call, entries: entries)
    } catch {
      context.logger.warning("roll rejected", metadata: ["error": "\(error.detail)"])
      return .text(error.status, error.detail)
    }
  }

  private struct Refusal: Error {
    var status: HTTPResponse.Status
    var detail: String
  }

  private func decode(_ request: Request) async throws(Refusal) -> RollRequest {
    let body: ByteBuffer
    do {
      body = try await request.body.collect(upTo: Self.maximumBodyBytes)
    } catch is NIOTooManyBytesError {
      throw Refusal(status: .contentTooLarge, detail: "the roll has more than \(Self.maximumBodyBytes) bytes")
    } catch {
      throw Refusal(status: .badRequest, detail: "the roll is incomplete: \(error)")
    }
    do {
      return try JSONDecoder().decode(RollRequest.self, from: body)
    } catch {
      throw Refusal(status: .badRequest, detail: "the body is not a roll: \(error)")
    }
  }

  private func answer(_ call: RollRequest, entries: [RollEntry]) async -> Response {
    let sweep = await sweeps.current()
    let sandboxed = await sweeps.sandboxedPods(on: entries, after: sweep)
    let now = monotonicNow()
    let answers = sweep.answers(to: entries, sandboxed: sandboxed, at: now)
    let sinceScrape = heldRoll.record(answers, sandboxed: sandboxed, at: now)
    let report = RollReport(
      hash: call.hash, answers: answers, secondsSinceScrape: sinceScrape?.seconds,
      sockets: call.wantsSockets == true ? sweep.sockets(of: entries, sandboxed: sandboxed) : nil)
    return json(.ok, report)
  }

  /// A conflict is not an error and is not logged: after a restart the agent does not hold the roll that the controller refers to, and a
  /// Node may have the address of another one for a while.
  private func conflict(_ code: RollConflict.Code, _ detail: String) -> Response {
    json(.conflict, RollConflict(code, detail: detail))
  }

  private func json(_ status: HTTPResponse.Status, _ message: some Encodable) -> Response {
    do {
      let body = try JSONEncoder().encodeAsByteBuffer(message, allocator: ByteBufferAllocator())
      return Response(status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: body))
    } catch {
      return .text(.internalServerError, "cannot encode the response: \(error)")
    }
  }

  /// `nil` if the agent does not hold the roll.
  private func entries(for call: RollRequest) throws(Refusal) -> [RollEntry]? {
    do {
      return try heldRoll.entries(for: call)
    } catch {
      let count = error.count
      throw Refusal(
        status: .contentTooLarge, detail: "the roll has \(count) entries; an agent accepts at most \(HeldRoll.maximumEntries)")
    }
  }
}

/// A request context with the request's connection.
struct ConnectionContext: RequestContext {
  var coreContext: CoreRequestContextStorage
  let channel: any Channel

  init(source: ApplicationRequestContextSource) {
    coreContext = CoreRequestContextStorage(source: source)
    channel = source.channel
  }
}
