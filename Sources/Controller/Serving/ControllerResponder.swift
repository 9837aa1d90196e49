internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// Which answer belongs to which request. There are few paths and one pattern, so a table is all the routing that is needed; what is
/// not in it is 404, whatever it is called.
struct ControllerResponder: HTTPResponder {
  /// What is known of a request besides the request.
  struct Context: RequestContext {
    var coreContext: CoreRequestContextStorage
    let connection: any Channel

    init(source: ApplicationRequestContextSource) {
      coreContext = CoreRequestContextStorage(source: source)
      connection = source.channel
    }
  }

  private let pages: [String: @Sendable (Request) async -> ServerResponse]
  private let probe: Probe
  private let limits: ServingLimits

  init(_ view: ControllerView, limits: ServingLimits) {
    self.limits = limits
    probe = Probe(view)
    pages = [
      "/": { _ in StatusPage(view).answer() },
      "/livez": { _ in .text(.ok, "ok\n") },
      "/readyz": { _ in readiness(view.readiness()) },
      "/metrics": { _ in ControllerMetrics(view).answer() },
      "/sd/v1/targets": { request in
        ServiceDiscovery(view).answer(
          source: request.uri.queryParameters["source"].map(String.init), authority: request.head.authority)
      },
      "/metrics/cadvisor": { request in VirtualMetrics(view).cadvisor(request) },
      "/metrics/resource": { request in VirtualMetrics(view).resource(request) },
      "/stats/summary": { request in VirtualMetrics(view).summary(request) },
      "/probe": { [probe] request in await probe.answer(request) },
      "/api/v1/gaps": { _ in LedgerAPI(view).gaps() },
      "/api/v1/coverage": { _ in LedgerAPI(view).coverage() },
      "/api/v1/nodes": { _ in LedgerAPI(view).nodes() },
    ]
  }

  func respond(to request: Request, context: Context) async throws -> Response {
    await answer(to: request).compressed(for: request)
      .response(on: context.connection, within: limits.answer, withoutBody: request.method == .head)
  }

  private func answer(to request: Request) async -> ServerResponse {
    let page = pages[request.uri.path]
    guard page != nil || request.uri.path.hasPrefix("/proxy/") else { return Self.nothing }
    guard request.method == .get || request.method == .head else {
      var answer = ServerResponse.text(.methodNotAllowed, "Only GET and HEAD are answered here.\n")
      answer.headers[.allow] = "GET, HEAD"
      return answer
    }
    if let page { return await page(request) }
    return await probe.proxyAnswer(request) ?? Self.nothing
  }

  private static let nothing = ServerResponse.text(.notFound, "There is nothing here. See / for the status page.\n")
}

/// One line for each check, as the API server's own /readyz?verbose has it.
private func readiness(_ checks: [ReadinessCheck]) -> ServerResponse {
  let lines = checks.map { check in check.problem.map { "[-] \(check.name): \($0)\n" } ?? "[+] \(check.name)\n" }
  let isReady = checks.allSatisfy { $0.problem == nil }
  return .text(isReady ? .ok : .serviceUnavailable, lines.joined() + (isReady ? "ready\n" : "not ready\n"))
}
