import Exposition
import Glibc
import HTTPTypes
import Hummingbird
import LinuxCollector
import NIOCore
import NIOSSL
import Primitives
import ProcessLimits
import Roll
import Synchronization

/// Serves `/metrics`, `/livez` and `/readyz`.
///
/// A switch over three constant paths, not Hummingbird's `Router`: see docs/decisions/0011-routes.md.
struct MetricsResponder: HTTPResponder {
  let settings: AgentSettings
  let sweeps: SharedSweep
  let heldRoll: HeldRoll
  let readiness: Readiness
  private let cache = ExpositionCache()
  private static let timeoutHeader = HTTPField.Name(Scrapers.timeoutHeader)

  init(settings: AgentSettings, sweeps: SharedSweep, heldRoll: HeldRoll, readiness: Readiness) {
    self.settings = settings
    self.sweeps = sweeps
    self.heldRoll = heldRoll
    self.readiness = readiness
  }

  func respond(to request: Request, context: ConnectionContext) async throws -> Response {
    switch (request.uri.path, request.method) {
    case ("/metrics", .get):
      switch await refusal(of: context.channel) {
      case nil: await metrics(for: request.headers, context.channel)
      case let refusal?: refusal
      }
    case ("/livez", .get): .text(.ok, "ok")
    case ("/readyz", .get):
      switch readiness.current {
      case .ready: .text(.ok, "ok")
      case .waiting(let reason): .text(.serviceUnavailable, reason)
      }
    case ("/metrics", _), ("/livez", _), ("/readyz", _): .methodNotAllowed(.get)
    default: .text(.notFound, "not found; try /metrics")
    }
  }

  /// Why the client may not read `/metrics`; `nil` if it may. Probes have neither a certificate nor, at their choice, TLS. So both are
  /// required here.
  private func refusal(of channel: any Channel) async -> Response? {
    guard settings.metricsTLSDirectory != nil else { return nil }
    guard (try? await channel.nioSSL_tlsVersion().get()) != nil else {
      return .text(.badRequest, "/metrics is served over TLS only: use https")
    }
    guard settings.requiresClientCertificate else { return nil }
    // The handshake only verifies the certificate of a client that has one.
    if let certificate = try? await channel.nioSSL_peerCertificate().get(), certificate.isForClientAuthentication { return nil }
    return .text(.forbidden, "/metrics requires a client certificate for client authentication, from this agent's authority")
  }

  private func metrics(for headers: HTTPFields, _ channel: any Channel) async -> Response {
    let sweep = await sweeps.current()
    let statistics = sweeps.statistics
    let state = AgentState(version: ProductVersion.current, sweeps: statistics.count, cost: statistics.cost, answers: heldRoll.answers)
    let format = ExpositionFormat(accept: headers[values: .accept])
    guard let compressed = cache.exposition(of: sweep, state, format, or: { compress(sweep, state, format) }) else {
      return .text(.serviceUnavailable, "out of memory")
    }
    let isGzip = acceptsGzip(headers[values: .acceptEncoding])
    var fields: HTTPFields = [.contentType: format.contentType, .vary: "Accept, Accept-Encoding"]
    if isGzip { fields[.contentEncoding] = "gzip" }
    let userAgent = headers[.userAgent]
    let announcesTimeout = Self.timeoutHeader.map { headers.contains($0) } ?? false
    let body = ResponseBody(contentLength: isGzip ? compressed.bytes.readableBytes : compressed.textBytes) { writer in
      if isGzip {
        try await writer.write(compressed.bytes)
      } else {
        // Uncompressed in pieces: the text of a large node has megabytes, and several clients may request it at once.
        let text = ExpositionText(compressed)
        while let piece = text.next() {
          try await writer.write(piece)
          // Backpressure: the channel's writability is only current after the event loop has processed the piece.
          try await channel.eventLoop.submit {}.get()
        }
      }
      try await writer.finish(nil)
      // Not before the end, since a scraper that disconnects early discards the data.
      heldRoll.recordScrape(userAgent: userAgent, announcesTimeout: announcesTimeout, at: monotonicNow())
    }
    return Response(status: .ok, headers: fields, body: body)
  }

  private func compress(_ sweep: Sweep, _ state: AgentState, _ format: ExpositionFormat) -> CompressedExposition? {
    // A third of the heap is free then. Takes less than a millisecond.
    defer { Heap.releaseFreePages() }
    let metrics = AgentMetrics(
      node: settings.node, roll: heldRoll.entries, sandboxed: heldRoll.sandboxed, sweep: sweep, state: state, process: .current(),
      memoryPageBytes: Int64(sysconf(Int32(_SC_PAGESIZE))), isCadvisorCompatible: settings.compatibility == .cadvisor)
    return CompressedExposition { append in metrics.render(format) { append($0) } }
  }
}

/// The last exposition, reused for scrapes of the same sweep in the same format.
final class ExpositionCache: Sendable {
  private struct Key: Equatable {
    /// When the sweep started.
    var sweptAt: Moment
    var state: AgentState
    var format: ExpositionFormat
  }

  private let last = Mutex<(key: Key, exposition: CompressedExposition)?>(nil)

  /// - Parameter make: called without the lock, so concurrent requests may both call it.
  func exposition(
    of sweep: Sweep, _ state: AgentState, _ format: ExpositionFormat, or make: () -> CompressedExposition?
  ) -> CompressedExposition? {
    let key = Key(sweptAt: sweep.startedAt, state: state, format: format)
    if let exposition = last.withLock({ $0?.key == key ? $0?.exposition : nil }) { return exposition }
    guard let exposition = make() else { return nil }
    last.withLock { $0 = (key, exposition) }
    return exposition
  }
}
