internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// A served path. Any other path is 404.
enum Route: Hashable {
  case livez, readyz, metrics, targets, cadvisor, resource, summary, probe, gaps, coverage, nodes
  case explain, scrapes, rulesWithoutData, policies, policyTest
  /// `/proxy/NODE/metrics` and `/proxy/NODE/health`.
  case exporter(node: String, ExporterPath)
  case page(PageView)
  case asset(PageAsset)

  enum ExporterPath: String {
    case metrics, health
  }

  private static let fixed: [String: Route] = [
    "/livez": .livez, "/readyz": .readyz, "/metrics": .metrics, "/sd/v1/targets": .targets,
    "/metrics/cadvisor": .cadvisor, "/metrics/resource": .resource, "/stats/summary": .summary, "/probe": .probe,
    "/api/v1/gaps": .gaps, "/api/v1/coverage": .coverage, "/api/v1/nodes": .nodes,
    "/api/v1/explain": .explain, "/api/v1/scrapes": .scrapes, "/api/v1/rules-without-data": .rulesWithoutData,
    "/api/v1/policies": .policies, "/api/v1/policy-test": .policyTest,
  ]

  init?(_ path: String) {
    if let route = Self.fixed[path] {
      self = route
      return
    }
    if let view = PageView(path: path) {
      self = .page(view)
      return
    }
    if let asset = PageAsset(path: path) {
      self = .asset(asset)
      return
    }
    let parts = path.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0].isEmpty, parts[1] == "proxy", !parts[2].isEmpty, let file = ExporterPath(rawValue: String(parts[3]))
    else { return nil }
    self = .exporter(node: String(parts[2]), file)
  }
}

/// Answers requests by their route: GET and HEAD, and POST for the one question that has a body.
///
/// Hummingbird's `Router` is not used: it treats `/metrics/` and `//metrics` as `/metrics`, responds to a method that is not supported with
/// 404, and sends no `Allow` header (docs/decisions/0011-routes.md).
struct ControllerResponder: HTTPResponder {
  struct Context: RequestContext {
    var coreContext: CoreRequestContextStorage
    let connection: any Channel

    init(source: ApplicationRequestContextSource) {
      coreContext = CoreRequestContextStorage(source: source)
      connection = source.channel
    }
  }

  let controller: ControllerStatus
  let access: PortAccess
  let limits: ServingLimits

  func respond(to request: Request, context: Context) async throws -> Response {
    await response(to: request, on: context.connection).compressed(for: request)
      .response(on: context.connection, within: limits.response, withoutBody: request.method == .head)
  }

  private func response(to request: Request, on connection: any Channel) async -> ServerResponse {
    guard let route = Route(request.uri.path) else {
      return .text(.notFound, "Not found. See / for the status page.\n")
    }
    let methods: [HTTPRequest.Method] = route == .policyTest ? [.post] : [.get, .head]
    guard methods.contains(request.method) else {
      var response = ServerResponse.text(
        .methodNotAllowed, "Only \(methods.map(\.rawValue).joined(separator: " and ")) \(methods.count == 1 ? "is" : "are") supported.\n")
      response.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
      return response
    }
    if let refusal = await access.refusal(of: request, to: route, on: connection) { return refusal }
    guard let peers = controller.peers else { return await ownResponse(to: request, route) }
    return await ShardAnswers(peers: peers, limit: limits.response).response(to: request, route) { await ownResponse(to: $0, route) }
  }

  /// The response from what this replica knows.
  private func ownResponse(to request: Request, _ route: Route) async -> ServerResponse {
    switch route {
    case .page(let view): await PageServing(controller).response(to: request, view: view)
    case .asset(let asset): PageServing(controller).asset(asset)
    case .livez: .text(.ok, "ok\n")
    case .readyz: readiness()
    case .metrics: ControllerMetrics(controller).response()
    case .targets:
      ServiceDiscovery(controller).response(
        sources: request.uri.queryParameters.filter { $0.key == "source" }.map { String($0.value) }, authority: request.head.authority)
    case .cadvisor: VirtualMetrics(controller).cadvisor(request)
    case .resource: VirtualMetrics(controller).resource(request)
    case .summary: VirtualMetrics(controller).summary(request)
    case .probe: await Probe(controller).probe(request)
    case .exporter(let node, let file): await Probe(controller).exporter(request, node: node, file: file)
    case .gaps: LedgerAPI(controller).gaps()
    case .coverage: LedgerAPI(controller).coverage()
    case .nodes: LedgerAPI(controller).nodes()
    case .explain: await ScrapeAPI(controller).explain(request)
    case .scrapes: ScrapeAPI(controller).scrapes(request)
    case .rulesWithoutData: ScrapeAPI(controller).rulesWithoutData()
    case .policies: PolicyAPI(controller).policies(request)
    case .policyTest: await PolicyAPI(controller).test(request)
    }
  }

  /// One line for each check, in the format of the API server's /readyz?verbose.
  private func readiness() -> ServerResponse {
    let checks = controller.readiness.status
    let lines = checks.map { check in check.problem.map { "[-] \(check.name): \($0)\n" } ?? "[+] \(check.name)\n" }
    let isReady = checks.allSatisfy { $0.problem == nil }
    return .text(isReady ? .ok : .serviceUnavailable, lines.joined() + (isReady ? "ready\n" : "not ready\n"))
  }
}
