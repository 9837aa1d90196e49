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
  private let pages = LastPage()

  init(settings: AgentSettings, sweeps: SharedSweep, book: RollBook, readiness: Readiness) {
    self.settings = settings
    self.sweeps = sweeps
    self.book = book
    self.readiness = readiness
  }

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    switch (request.uri.path, request.method) {
    case ("/metrics", .get): await mayScrape(context.channel) ? metrics(for: request.headers, context.channel) : refusal
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

  private func metrics(for headers: HTTPFields, _ channel: any Channel) async -> Response {
    let sweep = await sweeps.current()
    let statistics = sweeps.statistics
    let state = AgentState(version: Agent.version, sweeps: statistics.count, cost: statistics.cost, answers: book.answers)
    let format = ExpositionFormat(accept: headers[values: .accept])
    guard let compressed = pages.page(of: sweep, state, format, or: { compress(sweep, state, format) }) else {
      return .text(.serviceUnavailable, "there is no memory for the page")
    }
    let isGzip = acceptsGzip(headers[values: .acceptEncoding])
    var fields: HTTPFields = [.contentType: format.contentType, .vary: "Accept, Accept-Encoding"]
    if isGzip { fields[.contentEncoding] = "gzip" }
    let body = ResponseBody(contentLength: isGzip ? compressed.bytes.readableBytes : compressed.textBytes) { writer in
      if isGzip {
        try await writer.write(compressed.bytes)
      } else {
        // The text of a large node has megabytes: it is never in memory as a whole, however many ask for it at once.
        let text = GzipText(compressed)
        while let piece = text.next() {
          try await writer.write(piece)
          // Only when the event loop has taken a piece is it known whether there is room for one more.
          try await channel.eventLoop.submit {}.get()
        }
      }
      try await writer.finish(nil)
      // Only now: a scraper that went away in the middle has no data.
      book.recordScrape(at: monotonicNow())
    }
    return Response(status: .ok, headers: fields, body: body)
  }

  private func compress(_ sweep: Sweep, _ state: AgentState, _ format: ExpositionFormat) -> CompressedPage? {
    defer { Heap.giveBack() }
    guard var compressor = GzipCompressor() else { return nil }
    let page = AgentMetrics(
      node: settings.node, roll: book.entries, sweep: sweep, state: state, process: .current(),
      memoryPageBytes: Int64(sysconf(Int32(_SC_PAGESIZE))), isCadvisorCompatible: settings.compatibility == .cadvisor)
    page.render(format) { compressor.append($0) }
    return compressor.finish()
  }
}
