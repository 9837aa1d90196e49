import Exposition
import Glibc
import HTTPTypes
import Hummingbird
import LinuxCollector
import NIOCore
import Roll

/// `/metrics`, `/livez` and `/readyz`, to everybody.
struct MetricsResponder: HTTPResponder {
  let node: String
  let sweeps: SharedSweep
  let book: RollBook
  let readiness: Readiness

  func respond(to request: Request, context: BasicRequestContext) async throws -> Response {
    switch (request.uri.path, request.method) {
    case ("/metrics", .get): await metrics()
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

  private func metrics() async -> Response {
    let sweep = await sweeps.current()
    let page = AgentPage(
      node: node, roll: book.entries, sweep: sweep,
      state: AgentState(version: Agent.version, sweeps: sweeps.count, answers: book.answers),
      process: .current(), memoryPageBytes: Int64(sysconf(Int32(_SC_PAGESIZE))))
    let buffer = ByteBuffer(bytes: page.render())
    let body = ResponseBody(contentLength: buffer.readableBytes) { writer in
      try await writer.write(buffer)
      try await writer.finish(nil)
      // Only now: a scraper that went away in the middle has no data.
      book.recordScrape(at: monotonicNow())
    }
    return Response(status: .ok, headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8"], body: body)
  }
}
