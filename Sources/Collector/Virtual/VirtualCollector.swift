internal import AsyncPrimitives
internal import Exposition
package import HTTPTransport
package import Roll

/// Calls the roll of a virtual node by reading the cAdvisor endpoint of each of its pods, or one endpoint for the whole node, and stores
/// the scrapes in `cache`. One instance serves any number of nodes concurrently.
///
/// Each pod is scraped on its own: a pod that hangs affects only the answers of its own containers.
package struct VirtualCollector: NodeCollector {
  /// The last scrape of each pod.
  package let cache: VirtualScrapeCache
  private let fetcher: ScrapeFetcher
  private let settings: VirtualSettings
  private let slots: AsyncSemaphore
  private let ingests: IngestPool
  private let endpoints: VirtualEndpointOverrides
  private let suspects = Suspects()
  private let nodeToken: HeadersFile?
  private let buffers: BodyBufferPool
  private let memoryTrimmer: MemoryTrimmer
  private let sink: (any ScrapeSink)?
  private let images: @Sendable (VirtualScrapeCache.Key) -> [String: String]
  private let clock: CollectorClock

  /// - Parameters:
  ///   - endpoints: endpoint overrides from the annotations of Nodes and Pods.
  ///   - images: the known images of a pod, by container name.
  ///   - sink: receives every scrape if the settings enable it.
  package init(
    transport: HTTPTransport, settings: VirtualSettings, endpoints: VirtualEndpointOverrides = .asConfigured,
    images: @escaping @Sendable (VirtualScrapeCache.Key) -> [String: String] = { _ in [:] }, sink: (any ScrapeSink)? = nil,
    clock: CollectorClock = .continuous
  ) {
    self.images = images
    self.sink = sink
    self.endpoints = endpoints
    self.clock = clock
    fetcher = ScrapeFetcher(transport: transport, reasons: .endpoint)
    self.settings = settings
    cache = VirtualScrapeCache(stalenessLimit: settings.stalenessLimit, budget: settings.nodeBudget, clock: clock)
    slots = AsyncSemaphore(settings.maximumTransfers)
    ingests = IngestPool(settings: settings)
    nodeToken = settings.nodeTokenFile.map { HeadersFile(path: $0, isToken: true) }
    buffers = BodyBufferPool(limit: settings.maximumTransfers)
    memoryTrimmer = MemoryTrimmer(buffers)
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    let requests = ScrapeRequest.all(of: roll, settings: settings, endpoints: endpoints)
    let keepsConnections = cache.count + requests.count <= settings.keptConnections
    let round = CallRound(
      requests, suspects: suspects.of(roll.node), scrapeWindow: settings.scrapeWindow, containers: roll.entries.count, clock: clock)
    await withDiscardingTaskGroup { group in
      // As many tasks as slots: a waiting task for each of thousands of pods would only cost memory.
      for _ in 0..<min(requests.count, max(1, settings.maximumTransfers)) {
        group.addTask { await work(on: round, .healthy, of: roll, keepsConnections: keepsConnections) }
      }
      for _ in 0..<min(requests.count, max(1, settings.maximumTransfers / 4)) {
        group.addTask { await work(on: round, .suspect, of: roll, keepsConnections: keepsConnections) }
      }
    }
    var (answers, suspected) = round.end()
    if !Task.isCancelled {
      suspects.set(suspected, of: roll.node)
      let keys = Set(requests.flatMap { $0.key == .node ? [.node] + $0.pods(of: roll) : [$0.key] })
      cache.retain(keys, of: roll.node)
      sink?.retain(keys, of: roll.node)
      memoryTrimmer.trim(after: keys.count)
      let leftOut = cache.leftOut(of: roll.node)
      for index in leftOut.isEmpty ? [] : Array(roll.entries.indices) {
        let pod = roll.entries.reference(at: index)
        guard let reason = leftOut[VirtualScrapeCache.Key(namespace: pod.namespace, pod: pod.pod)] else { continue }
        answers[index] = Miss(.tooLarge, reason).answer
      }
    }
    // Without served families there is nothing for Prometheus to scrape.
    let isScraped = settings.servedFamilies != nil && settings.scrapers != .none
    return roll.answered(answers, lastScrape: isScraped ? cache.lastScrape(of: roll.node) : .notExpected)
  }

  private func work(on round: CallRound, _ lane: CallRound.Lane, of roll: NodeRoll, keepsConnections: Bool) async {
    while let next = round.next(lane) {
      // `sleep` throws when the task is cancelled; the next line then returns.
      if next.at > clock.now() { try? await clock.sleep(next.at) }
      guard !Task.isCancelled else { return }
      await slots.withPermit {
        let start = clock.now()
        let answers = await scrape(next.request, of: roll, keepsConnection: keepsConnections)
        round.record(answers, to: next.request, after: start.duration(to: clock.now()))
      }
    }
  }

  /// Frees the state of a deleted node and stops serving its scrapes.
  package func forget(node: String) {
    suspects.set([], of: node)
    cache.forget(node)
    sink?.forget(node)
  }

  private func scrape(_ scrape: ScrapeRequest, of roll: NodeRoll, keepsConnection: Bool) async -> [Answer] {
    let entries = scrape.indices.map { roll.entries[$0] }
    do throws(Miss) {
      let url = try scrape.url.get()
      let limits = scrape.key == .node ? settings.nodeLimits : settings.limits
      var request = HTTPRequest.scrape(url: url, deadline: settings.deadline, connectTimeout: settings.connectTimeout, limits: limits)
      request.keepsConnection = keepsConnection
      request.bodyBuffers = buffers
      request.addressPolicy = settings.allowsLoopback ? .any : .publicOnly
      request.tls = TLSOptions(
        certificateAuthorities: settings.certificateAuthorities, verification: settings.verifiesCertificates ? .full : .none)
      if scrape.key == .node, let nodeToken, url.hasPrefix("https://") { request.headers += try nodeToken.headers() }
      return scrape.key == .node
        ? try await readNode(request, entries, node: roll.node) : try await readPod(request, scrape.key, entries, node: roll.node)
    } catch {
      return Array(repeating: error.answer, count: entries.count)
    }
  }

  private func readPod(
    _ request: HTTPRequest, _ key: VirtualScrapeCache.Key, _ entries: [RollEntry], node: String
  ) async throws(Miss) -> [Answer] {
    var response = try await fetcher.fetch(request)
    defer { buffers.recycle(&response) }
    let labels = PodLabels(node: node, entries: entries, images: images, isOfOnePod: true)
    let freshness = Freshness(date: response.header("Date"), limit: settings.stalenessLimit)
    let findings: CadvisorFindings
    let format = try ExpositionFormat(of: response.header("Content-Type"), from: request.url)
    do {
      let ingested = try ingests.ingest(response.body, format, labels: labels, freshness, sharing: cache.shapes) {
        sink?.receive($0, key, of: node)
      }
      // Stored even without series of the pod's containers: a pod may have none yet.
      if settings.servedFamilies != nil { cache.store(ingested.scrape, key, of: node) }
      findings = ingested.findings
    } catch {
      throw Miss(error, from: request.url)
    }
    return answers(of: entries, findings, freshness)
  }

  /// Parses a node's response while it arrives: it may be larger than the scrapes kept of it.
  private func readNode(_ request: HTTPRequest, _ entries: [RollEntry], node: String) async throws(Miss) -> [Answer] {
    let stream = try await fetcher.open(request)
    let labels = PodLabels(node: node, entries: entries, images: images, isOfOnePod: false)
    var ingest = ScrapeIngest(settings: settings, isOfNode: true)
    let freshness = Freshness(date: stream.header("Date"), limit: settings.stalenessLimit)
    do throws(Miss) {
      ingest.begin(try ExpositionFormat(of: stream.header("Content-Type"), from: request.url), labels, freshness)
    } catch {
      stream.cancel()
      throw error
    }
    let parts: ScrapeIngest.Parts
    do {
      for try await chunk in stream.body { try ingest.parse(chunk) }
      parts = try ingest.finish(sharing: cache.shapes) { pod, scrape in
        sink?.receive(scrape, pod.map { labels.pods[$0] } ?? .node, of: node)
      } store: { pod, scrape in
        if settings.servedFamilies != nil { cache.store(scrape, pod.map { labels.pods[$0] } ?? .node, of: node) }
      }
    } catch let error as ExpositionError {
      throw Miss(error, from: request.url)
    } catch let error as HTTPTransportError {
      throw Miss(error, reasons: .endpoint)
    } catch {
      throw Miss(.unknown, "\(request.url): \(error)")
    }
    var answers = answers(of: entries, parts.findings, freshness)
    for index in entries.indices {
      guard let pod = labels.pod(ofContainer: index), let limit = parts.tooLarge[pod] else { continue }
      answers[index] = Miss(.tooLarge, "\(request.url): the response has \(limit) of this pod").answer
    }
    return answers
  }

  private func answers(of entries: [RollEntry], _ findings: CadvisorFindings, _ freshness: Freshness) -> [Answer] {
    entries.enumerated().map { index, entry in findings.answer(for: index, named: entry.reference.container, freshness) }
  }
}

/// The time source of the virtual collector and its cache. Tests supply their own.
package struct CollectorClock: Sendable {
  package var now: @Sendable () -> ContinuousClock.Instant
  /// Throws `CancellationError` if the task is cancelled.
  package var sleep: @Sendable (_ deadline: ContinuousClock.Instant) async throws -> Void

  package init(
    now: @escaping @Sendable () -> ContinuousClock.Instant, sleep: @escaping @Sendable (ContinuousClock.Instant) async throws -> Void
  ) {
    self.now = now
    self.sleep = sleep
  }

  package static let continuous = CollectorClock(now: { .now }, sleep: { try await Task.sleep(until: $0, clock: .continuous) })
}
