internal import Collector
internal import Exposition
internal import HTTPTypes
internal import Hummingbird
internal import Roll

/// Relays the metrics of nodes: `/probe?node=NODE` like a multi-target exporter, `/proxy/NODE/metrics` and `/proxy/NODE/health` like a
/// reverse proxy on each node.
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
      // A Linux node has no windows_exporter, but its kubelet has a summary.
      guard roll.source == .windows else {
        guard relay.probesLinux else {
          throw Failure(.notFound, "the Node \(probe.node) is a Linux node; with --probe-linux its kubelet's summary is served")
        }
        return try await stream(relay.summary.scrape(summary))
      }
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
        throw Failure(.notFound, "the Node \(probe.node) is not a Windows node; its source is \(roll.source.rawValue)")
      }
      var wanted = scrape(probe, of: roll, at: relay.windowsNode(probe.node).endpoint, mode: .passThrough)
      if file == .health {
        wanted.endpoint.path = "/health"
        wanted.endpoint.collectors = []
        wanted.form = .status
      }
      return try await stream(relay.exporter.scrape(wanted))
    }
  }

  // MARK: Steps

  private func node(_ probe: ProbeRequest) throws(Failure) -> (NodeRelay, NodeRoll) {
    guard let relay = controller.relay else { throw Failure(.notFound, "this controller does not relay metrics") }
    guard let roll = controller.rolls.roll(of: probe.node) else {
      guard controller.rolls.snapshot().isComplete else {
        throw Failure(.serviceUnavailable, "the lists of nodes and pods are not complete yet; see /readyz")
      }
      throw Failure(.notFound, "there is no Node named \(probe.node)")
    }
    guard roll.source != .virtual else {
      throw Failure(.notFound, "the Node \(probe.node) is virtual: the metrics of its pods are at /metrics/cadvisor?node=\(probe.node)")
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
      case .passThrough: .unchanged(isCompressed: probe.isGzipTaken)
      }
    return ExporterScrapeRequest(node: probe.node, address: roll.address, endpoint: endpoint, timeout: probe.timeout, form: form)
  }

  /// How much to read before the response begins, so that a small body is sent in one write and an early failure has its status.
  private static let beginningBytes = 64 << 10

  /// Waits for the beginning of the body and streams the rest. A later failure breaks the connection: Prometheus drops an incomplete
  /// scrape.
  private func stream(_ reader: SharedScrapeReader) async throws(Miss) -> ServerResponse {
    let beginning = try await reader.beginning(upTo: Self.beginningBytes)
    let head = beginning.head
    var response = ServerResponse(status: .init(code: head.status), contentType: head.contentType, body: .whole([]))
    if let encoding = head.contentEncoding { response.headers[.contentEncoding] = encoding }
    // The reader is retained, and with it its slot, until the client has the whole body or the deadline passes.
    response.deadline = reader.deadline
    if beginning.isComplete {
      let body = beginning.chunks.count == 1 ? beginning.chunks[0] : Array(beginning.chunks.joined())
      response.body = .chunks(length: body.count) { write in
        try await write(body)
        withExtendedLifetime(reader) {}
      }
      return response
    }
    response.body = .chunks { write in
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

/// The validated parameters of a request for a node's metrics.
struct ProbeRequest: Hashable {
  var node: String
  /// Overrides the collectors of the settings and the node.
  var collectors: [String]?
  /// The client's timeout; `nil` if it sends none.
  var timeout: Duration?
  var isGzipTaken: Bool

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
    // Hummingbird does not unescape the names of parameters.
    for (name, value) in parameters where ["collect[]", "collect%5B%5D", "collect%5b%5d"].contains(name) {
      guard ExporterEndpoint.isCollector(value) else {
        throw Refused(message: "collect[]=\(value) is not the name of a collector: lower-case letters, digits and _")
      }
      collectors.append(String(value))
    }
    guard collectors.count <= 100 else { throw Refused(message: "collect[] is given \(collectors.count) times; at most 100 are supported") }
    self.collectors = collectors.isEmpty ? nil : collectors
    // Seconds as a decimal number (https://prometheus.io/docs/instrumenting/writing_exporters/). If missing or out of range, our own
    // timeout applies.
    timeout = Self.timeoutHeader.flatMap { request.headers[$0] }.flatMap(Double.init)
      .flatMap { (0.001...3600).contains($0) ? .seconds($0) : nil }
    isGzipTaken = acceptsGzip(request.headers[values: .acceptEncoding])
  }

  static let timeoutHeader = HTTPField.Name(Scrapers.timeoutHeader)
}
