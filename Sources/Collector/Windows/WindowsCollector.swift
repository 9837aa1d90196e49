package import Exposition
package import HTTPTransport
package import Roll

/// Calls the roll of a Windows node by reading its windows_exporter. One value serves any number of nodes at once.
package struct WindowsCollector: NodeCollector {
  private let fetcher: ScrapeFetcher
  private let requests: ExporterRequests
  private let endpoint: @Sendable (String) -> ExporterEndpoint?
  private let statuses: ExporterStatusStore?

  /// - Parameters:
  ///   - endpoint: where the exporter of a node is, if that is not as the settings say.
  ///   - statuses: records the outcome of each call.
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

  /// Calls the roll like `call(_:)`.
  /// - Throws: why the exporter returned no usable body, so that the caller can fall back to another source.
  package func collect(_ roll: NodeRoll) async throws(Miss) -> RollCall {
    let start = ContinuousClock.now
    do throws(Miss) {
      let (page, freshness) = try await page(of: roll)
      statuses?.note(roll.node, failure: nil, duration: start.duration(to: .now), health: page.health)
      return roll.answered(
        roll.entries.map { page.outcome(for: $0, freshness) }, lastScrape: .notObservable)
    } catch {
      statuses?.note(roll.node, failure: error.reason, duration: start.duration(to: .now), health: nil)
      throw error
    }
  }

  private func page(of roll: NodeRoll) async throws(Miss) -> (WindowsFindings, Freshness) {
    let settings = requests.settings
    var endpoint = endpoint(roll.node) ?? settings.endpoint
    endpoint.collectors = settings.rollCollectors
    let request = try requests.request(
      node: roll.node, address: roll.address, endpoint: endpoint, deadline: settings.deadline, told: settings.deadline)
    let response = try await fetcher.fetch(request)
    // A cache on the way says how long it has had the page (RFC 9111, section 5.1).
    if let age = response.header("Age").flatMap(Int64.init), Duration.seconds(age) > settings.stalenessLimit {
      throw Miss(.staleData, "\(request.url): a cache on the way has had the page for \(age) s")
    }
    do {
      let page = try WindowsFindings(response.body, limits: settings.limits)
      return (page, Freshness(date: response.header("Date"), limit: settings.stalenessLimit))
    } catch {
      throw Miss(error, page: request.url)
    }
  }
}

/// How windows_exporter is read.
package struct WindowsSettings: Hashable, Sendable {
  /// Where it is on nodes that say nothing else. Its collectors are for scrapes; the roll is called with `rollCollectors`.
  package var endpoint = ExporterEndpoint()
  /// What the roll asks for, so that the exporter does not run all it has for us.
  package var rollCollectors = ["container"]
  /// For one call from connecting to the last byte. The exporter hears of it, and keeps half a second of it for itself.
  package var deadline: Duration = .seconds(10)
  package var connectTimeout: Duration = .seconds(3)
  package var limits = ExpositionLimits.standard
  /// How old a sample with a time of its own may be by the clock of its sender, and a page by the word of a cache on the way.
  package var stalenessLimit: Duration = .seconds(120)
  /// For the scheme `https`; `nil` checks against the system's authorities.
  package var tls: TLSOptions?
  /// A file of headers for every request, one `Name: value` a line; sent over `https` only.
  package var headersFile: String?
  /// Lets loopback and link-local addresses be asked, for tests and the demo.
  package var allowsLoopback = false

  package init() {}
}
