package import Exposition
package import HTTPTransport
package import Roll

/// Calls the roll of a Windows node by reading its windows_exporter. One instance serves any number of nodes concurrently.
package struct WindowsCollector: NodeCollector {
  private let fetcher: ScrapeFetcher
  private let requests: ExporterRequests
  private let endpoint: @Sendable (String) -> ExporterEndpoint?
  private let statuses: ExporterStatusStore?

  /// - Parameters:
  ///   - statuses: receives the result of each call.
  ///   - endpoint: overrides the settings' endpoint for a node.
  package init(
    transport: HTTPTransport, settings: WindowsSettings, statuses: ExporterStatusStore? = nil,
    endpoint: @escaping @Sendable (_ node: String) -> ExporterEndpoint? = { _ in nil }
  ) {
    fetcher = ScrapeFetcher(transport: transport, reasons: .exporter)
    requests = ExporterRequests(settings)
    self.statuses = statuses
    self.endpoint = endpoint
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    do throws(Miss) {
      return try await collect(roll)
    } catch {
      return roll.missed(error, lastScrape: .notObservable)
    }
  }

  /// Calls the roll like `call`.
  /// - Throws: if the exporter returned no usable body, so that the caller can fall back to another source.
  package func collect(_ roll: NodeRoll) async throws(Miss) -> RollCall {
    let start = ContinuousClock.now
    do throws(Miss) {
      let (findings, freshness) = try await findings(for: roll)
      statuses?.record(roll.node, failure: nil, duration: start.duration(to: .now), health: findings.health)
      return roll.answered(roll.entries.map { findings.answer(for: $0, freshness) }, lastScrape: .notObservable)
    } catch {
      statuses?.record(roll.node, failure: error.reason, duration: start.duration(to: .now), health: nil)
      throw error
    }
  }

  private func findings(for roll: NodeRoll) async throws(Miss) -> (WindowsFindings, Freshness) {
    let settings = requests.settings
    var endpoint = endpoint(roll.node) ?? settings.endpoint
    endpoint.collectors = settings.rollCollectors
    let request = try requests.request(
      node: roll.node, address: roll.address, endpoint: endpoint, deadline: settings.deadline, announced: settings.deadline)
    let response = try await enabledCollectors(request, of: roll, at: endpoint)
    // Set by intermediate caches (RFC 9111, section 5.1).
    if let age = response.header("Age").flatMap(Int64.init), Duration.seconds(age) > settings.stalenessLimit {
      throw Miss(.staleData, "\(request.url): an intermediate cache served a response that is \(age) s old")
    }
    let format = try ExpositionFormat(of: response.header("Content-Type"), from: request.url)
    do {
      let findings = try WindowsFindings(response.body, format, limits: settings.limits)
      return (findings, Freshness(date: response.header("Date"), limit: settings.stalenessLimit))
    } catch {
      throw Miss(error, from: request.url)
    }
  }

  /// Fetches the collectors that the request names. An exporter without one of them answers 400, and so may a server that is not an
  /// exporter: the response with all enabled collectors decides.
  /// Source: https://github.com/prometheus-community/windows_exporter/blob/master/pkg/collector/collection.go, `Enable`.
  private func enabledCollectors(_ request: HTTPRequest, of roll: NodeRoll, at endpoint: ExporterEndpoint) async throws(Miss)
    -> HTTPResponse
  {
    let start = ContinuousClock.now
    let response = try await fetcher.fetchAny(request)
    guard response.status != 200 else { return response }
    let left = requests.settings.deadline - start.duration(to: .now)
    guard response.status == 400, !endpoint.collectors.isEmpty, left > .zero else { throw fetcher.unexpected(response, to: request) }
    var endpoint = endpoint
    endpoint.collectors = []
    let whole = try await fetcher.fetchAny(
      try requests.request(node: roll.node, address: roll.address, endpoint: endpoint, deadline: left, announced: left))
    guard whole.status == 200 else { throw fetcher.unexpected(response, to: request) }
    return whole
  }
}

/// How windows_exporter is read.
package struct WindowsSettings: Hashable, Sendable {
  /// The default endpoint. Its collectors apply to relayed scrapes; roll calls request `rollCollectors`.
  package var endpoint = ExporterEndpoint()
  /// The only collectors that roll calls need.
  package var rollCollectors = ["container"]
  /// For one call, from connecting to the last byte. Announced to the exporter, which reserves half a second of it.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  package var limits = ExpositionLimits.standard
  /// The maximum age of a sample with a timestamp, by the sender's clock, and of a response from an intermediate cache.
  package var stalenessLimit: Duration = .seconds(120)
  /// For the scheme `https`. If `nil`, the system's certificate authorities are trusted.
  package var tls: TLSOptions?
  /// A file with headers for all requests, one `Name: value` a line. Sent over `https` only.
  package var headersFile: String?
  /// Allows loopback and link-local addresses, for tests and the demo.
  package var allowsLoopback = false

  package init() {}
}
