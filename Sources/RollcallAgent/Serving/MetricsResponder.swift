import Exposition
import Glibc
import HTTPTypes
import Hummingbird
import LinuxCollector
import NIOCore
import NIOSSL
import Roll

/// `/metrics`, `/livez` and `/readyz`.
struct MetricsResponder: HTTPResponder {
  let settings: AgentSettings
  let sweeps: SharedSweep
  let book: RollBook
  let readiness: Readiness

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    switch (request.uri.path, request.method) {
    case ("/metrics", .get): await mayScrape(context.channel) ? metrics(for: request.headers) : refusal
    case ("/livez", .get): .text(.ok, "ok")
    case ("/readyz", .get):
      switch readiness.current {
      case .ready: .text(.ok, "ok")
      case .waiting(let reason): .text(.serviceUnavailable, reason)
      }
    case ("/metrics", _), ("/livez", _), ("/readyz", _): .methodNotAllowed(.get)
    default: .text(.notFound, "nothing here; try /metrics")
    }
  }

  /// The handshake has verified a certificate that the client showed. The kubelet's probes have none, so that not having one is for here
  /// to refuse and not for the handshake.
  private func mayScrape(_ channel: any Channel) async -> Bool {
    guard settings.requiresClientCertificate else { return true }
    guard let certificate = try? await channel.nioSSL_peerCertificate().get() else { return false }
    return certificate.isForClientAuthentication
  }

  private var refusal: Response {
    .text(.forbidden, "the metrics are for clients with a certificate for client authentication of this agent's authority")
  }

  private func metrics(for headers: HTTPFields) async -> Response {
    let sweep = await sweeps.current()
    let statistics = sweeps.statistics
    let page = AgentPage(
      node: settings.node, roll: book.entries, sweep: sweep,
      state: AgentState(version: Agent.version, sweeps: statistics.count, cost: statistics.cost, answers: book.answers),
      process: .current(), memoryPageBytes: Int64(sysconf(Int32(_SC_PAGESIZE))), isCadvisorCompatible: settings.compatibility == .cadvisor)
    let format = ExpositionFormat(accept: headers[values: .accept])
    var fields: HTTPFields = [.contentType: format.contentType, .vary: "Accept, Accept-Encoding"]
    let pieces: [ByteBuffer]
    if acceptsGzip(headers[values: .acceptEncoding]), let compressed = compress(page, format) {
      fields[.contentEncoding] = "gzip"
      pieces = [compressed]
    } else {
      pieces = text(page, format)
    }
    let body = ResponseBody(contentLength: pieces.reduce(0) { $0 + $1.readableBytes }) { writer in
      for piece in pieces { try await writer.write(piece) }
      try await writer.finish(nil)
      // Only now: a scraper that went away in the middle has no data.
      book.recordScrape(at: monotonicNow())
    }
    return Response(status: .ok, headers: fields, body: body)
  }

  private func compress(_ page: AgentPage, _ format: ExpositionFormat) -> ByteBuffer? {
    guard var compressor = GzipCompressor() else { return nil }
    page.render(format) { compressor.append($0) }
    return compressor.finish()
  }

  private func text(_ page: AgentPage, _ format: ExpositionFormat) -> [ByteBuffer] {
    var pieces: [ByteBuffer] = []
    page.render(format) { pieces.append(ByteBuffer(bytes: $0)) }
    return pieces
  }
}
