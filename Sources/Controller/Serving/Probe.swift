internal import Collector
internal import Exposition
internal import HTTPTypes
internal import Hummingbird
internal import Roll

/// Hands on the pages of nodes: `/probe?node=`, in the way of multi-target exporters, and `/proxy/NODE/metrics` and `/proxy/NODE/health`
/// as a reverse proxy on each node would.
struct Probe {
  private let controller: ControllerStatus

  init(_ controller: ControllerStatus) {
    self.controller = controller
  }

  /// `/probe?node=NODE`.
  func probe(_ request: Request) async -> ServerResponse {
    await responding {
      let probe = try ProbeRequest(request)
      let (relay, roll) = try node(probe)
      let summary = SummaryScrapeRequest(
        node: probe.node, address: roll.address, timeout: probe.timeout, isCompressed: probe.isGzipTaken)
      // A Linux node has no exporter of ours to ask; its kubelet has a summary all the same.
      guard roll.source == .windows else { return try await stream(relay.summary.scrape(summary)) }
      let windows = relay.windowsNode(probe.node)
      if windows.source == .summary { return try await stream(relay.summary.scrape(summary)) }
      do {
        return try await stream(relay.exporter.scrape(scrape(probe, of: roll, at: windows.endpoint, mode: relay.mode)))
      } catch let miss as Miss where miss.reason == .exporterUnreachable && windows.source == .auto {
        return try await stream(relay.summary.scrape(summary))
      }
    }
  }

  /// `/proxy/NODE/metrics` and `/proxy/NODE/health`.
  func exporter(_ request: Request, node name: String, file: Route.ExporterPath) async -> ServerResponse {
    await responding {
      let probe = try ProbeRequest(request, node: name)
      let (relay, roll) = try node(probe)
      guard roll.source == .windows else {
        throw Failure(.notFound, "the Node \(probe.node) is no Windows node; its source is \(roll.source.rawValue)")
      }
      var endpoint = relay.windowsNode(probe.node).endpoint
      if file == .health {
        endpoint.path = "/health"
        endpoint.collectors = []
      }
      return try await stream(relay.exporter.scrape(scrape(probe, of: roll, at: endpoint, mode: .passThrough)))
    }
  }

  // MARK: Steps

  private func node(_ probe: ProbeRequest) throws(Failure) -> (NodeRelay, NodeRoll) {
    guard let relay = controller.relay else { throw Failure(.notFound, "this controller hands on no pages") }
    guard let roll = controller.rolls.roll(of: probe.node) else {
      guard controller.rolls.snapshot().isComplete else {
        throw Failure(.serviceUnavailable, "the lists of nodes and pods are not complete yet; see /readyz")
      }
      throw Failure(.notFound, "there is no Node named \(probe.node)")
    }
    guard roll.source != .virtual else {
      throw Failure(.notFound, "the Node \(probe.node) is virtual: its pods' numbers are at /metrics/cadvisor?node=\(probe.node)")
    }
    return (relay, roll)
  }

  private func scrape(
    _ probe: ProbeRequest, of roll: NodeRoll, at endpoint: ExporterEndpoint, mode: ExporterRelayMode
  ) -> ExporterScrapeRequest {
    var endpoint = endpoint
    if let collectors = probe.collectors { endpoint.collectors = collectors }
    let form: ExporterScrapeRequest.Form =
      switch mode {
      case .relabel: .named(isCompressed: probe.isGzipTaken)
      case .passThrough: .verbatim(accept: probe.accept, acceptEncoding: probe.acceptEncoding)
      }
    return ExporterScrapeRequest(node: probe.node, address: roll.address, endpoint: endpoint, timeout: probe.timeout, form: form)
  }

  /// So much is waited for before an answer begins: a small page goes out in one piece, and what fails early is told by a status.
  private static let beginningBytes = 64 << 10

  /// Waits for the beginning of the page, and hands the rest on piece by piece. What fails then breaks the connection off: Prometheus
  /// drops a scrape that is not whole.
  private func stream(_ reader: SharedScrapeReader) async throws(Miss) -> ServerResponse {
    let beginning = try await reader.beginning(upTo: Self.beginningBytes)
    let head = beginning.head
    var response = ServerResponse(status: .init(code: head.status), contentType: head.contentType, body: .whole([]))
    if let encoding = head.contentEncoding { response.headers[.contentEncoding] = encoding }
    // The page has its place until the client has all of it, or its time is up: so long the reader is held.
    response.deadline = reader.deadline
    if beginning.isComplete {
      let page = beginning.chunks.count == 1 ? beginning.chunks[0] : Array(beginning.chunks.joined())
      response.body = .pieces(length: page.count) { write in
        try await write(page)
        withExtendedLifetime(reader) {}
      }
      return response
    }
    response.body = .pieces { write in
      for chunk in beginning.chunks { try await write(chunk) }
      while true {
        let chunks = try await reader.chunks()
        if chunks.isEmpty { return }
        for chunk in chunks { try await write(chunk) }
      }
    }
    return response
  }

  // MARK: Failures

  private struct Failure: Error {
    let status: HTTPResponse.Status
    let message: String

    init(_ status: HTTPResponse.Status, _ message: String) {
      self.status = status
      self.message = message
    }
  }

  private func responding(_ make: () async throws -> ServerResponse) async -> ServerResponse {
    do {
      return try await make()
    } catch let error as ProbeRequest.Refused {
      return .text(.badRequest, error.message + "\n")
    } catch let error as Failure {
      return .text(error.status, error.message + "\n")
    } catch let error as Miss {
      let status: HTTPResponse.Status =
        switch error.reason {
        case .exporterTimeout, .endpointTimeout: .gatewayTimeout
        case .unknown: .serviceUnavailable
        default: .badGateway
        }
      return .text(status, "\(error.reason.rawValue): \(error.detail)\n")
    } catch {
      return .text(.internalServerError, "\(error)\n")
    }
  }
}

/// What a request for a node's page says, checked.
struct ProbeRequest: Hashable {
  var node: String
  /// Instead of those that the settings and the node name.
  var collectors: [String]?
  /// How long the client waits; `nil` where it does not say.
  var timeout: Duration?
  var accept: String?
  var acceptEncoding: String?

  var isGzipTaken: Bool { acceptsGzip(acceptEncoding.map { [$0] } ?? []) }

  struct Refused: Error, Hashable {
    let message: String
  }

  /// - Parameter node: `nil` takes it from the query.
  init(_ request: Request, node pathNode: String? = nil) throws(Refused) {
    let parameters = request.uri.queryParameters
    guard let node = pathNode ?? parameters["node"].map(String.init), !node.isEmpty else {
      throw Refused(message: "the parameter node is missing: /probe?node=NAME, with the name of a Node of the cluster")
    }
    self.node = node
    var collectors: [String] = []
    // The name of a parameter is not unescaped by the server.
    for (name, value) in parameters where ["collect[]", "collect%5B%5D", "collect%5b%5d"].contains(name) {
      guard ExporterEndpoint.isCollector(value) else {
        throw Refused(message: "collect[]=\(value) is not the name of a collector: lower-case letters, digits and _")
      }
      collectors.append(String(value))
    }
    guard collectors.count <= 100 else { throw Refused(message: "collect[] is there \(collectors.count) times; at most 100 are taken") }
    self.collectors = collectors.isEmpty ? nil : collectors
    // https://prometheus.io/docs/instrumenting/writing_exporters/: seconds, as a decimal number. Without it, or where it makes no sense, ours holds.
    timeout = Self.timeoutHeader.flatMap { request.headers[$0] }.flatMap(Double.init)
      .flatMap { (0.001...3600).contains($0) ? .seconds($0) : nil }
    accept = request.headers[values: .accept].joined(separator: ", ").nonEmpty
    acceptEncoding = request.headers[values: .acceptEncoding].joined(separator: ", ").nonEmpty
  }

  private static let timeoutHeader = HTTPField.Name("X-Prometheus-Scrape-Timeout-Seconds")
}

extension String {
  fileprivate var nonEmpty: String? { isEmpty ? nil : self }
}
