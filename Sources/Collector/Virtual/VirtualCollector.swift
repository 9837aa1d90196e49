internal import Exposition
package import HTTPTransport
package import Roll

/// Calls the roll of a virtual node by reading the cAdvisor endpoint of each of its pods, or the one that answers for all of them, and
/// keeps what they say in `pages`. One value serves any number of nodes at once.
///
/// Each pod is answered for by itself: one that hangs costs its own containers their answer and the others nothing.
package struct VirtualCollector: NodeCollector {
  /// What the pods said last.
  package let pages: VirtualScrapeCache
  private let fetcher: ScrapeFetcher
  private let settings: VirtualSettings
  private let slots: CallSlots
  private let intakes: IngestPool
  private let endpoints: VirtualEndpointOverrides
  private let suspects = Suspects()
  private let nodeToken: HeadersFile?
  private let buffers: BodyBufferPool
  private let freeMemory: MemoryTrimmer
  private let sink: (any ScrapeSink)?
  private let images: @Sendable (VirtualScrapeCache.Key) -> [String: String]

  /// - Parameters:
  ///   - endpoints: what nodes and pods say about where their pages are.
  ///   - images: what is known of a pod's images, by the container's name.
  ///   - sink: told of every page where the settings say so.
  package init(
    transport: HTTPTransport, settings: VirtualSettings, endpoints: VirtualEndpointOverrides = .asConfigured,
    images: @escaping @Sendable (VirtualScrapeCache.Key) -> [String: String] = { _ in [:] }, sink: (any ScrapeSink)? = nil
  ) {
    self.images = images
    self.sink = sink
    self.endpoints = endpoints
    fetcher = ScrapeFetcher(transport: transport, reasons: .endpoint)
    self.settings = settings
    pages = VirtualScrapeCache(stalenessLimit: settings.stalenessLimit)
    slots = CallSlots(settings.maximumTransfers)
    intakes = IngestPool(settings: settings)
    nodeToken = settings.nodeTokenFile.map { HeadersFile(path: $0, isToken: true) }
    buffers = BodyBufferPool(limit: settings.maximumTransfers)
    freeMemory = MemoryTrimmer(buffers)
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    let asked = ScrapeRequest.all(of: roll, settings: settings, endpoints: endpoints)
    let keepsConnections = pages.count + asked.count <= settings.keptConnections
    let round = CallRound(
      asked, suspects: suspects.of(roll.node), askingTime: settings.askingTime, containers: roll.entries.count)
    await withDiscardingTaskGroup { group in
      // No more tasks than could have a slot: thousands that wait would cost memory for nothing.
      for _ in 0..<min(asked.count, max(1, settings.maximumTransfers)) {
        group.addTask { await work(on: round, .sound, of: roll, keepsConnections: keepsConnections) }
      }
      for _ in 0..<min(asked.count, max(1, settings.maximumTransfers / 4)) {
        group.addTask { await work(on: round, .suspect, of: roll, keepsConnections: keepsConnections) }
      }
    }
    let (answers, suspected) = round.end()
    if !Task.isCancelled {
      suspects.set(suspected, of: roll.node)
      let keys = Set(asked.flatMap { $0.key == .node ? [.node] + $0.pods(of: roll) : [$0.key] })
      pages.retain(keys, of: roll.node)
      sink?.retain(keys, of: roll.node)
      freeMemory.release(after: keys.count)
    }
    // Where nothing is served, nobody can scrape it.
    return roll.answered(answers, lastScrape: settings.servedFamilies == nil ? .notObservable : pages.lastScrape(of: roll.node))
  }

  private func work(on round: CallRound, _ lane: CallRound.Lane, of roll: NodeRoll, keepsConnections: Bool) async {
    while let next = round.next(lane) {
      // Cancellation ends the sleep, and the work.
      if next.at > .now { try? await Task.sleep(until: next.at, clock: .continuous) }
      guard !Task.isCancelled else { return }
      await slots.run {
        let start = ContinuousClock.now
        let answers = await ask(next.request, of: roll, keepsConnection: keepsConnections)
        round.note(answers, to: next.request, after: start.duration(to: .now))
      }
    }
  }

  /// A node is gone: nothing of it is served any more.
  package func forget(node: String) {
    suspects.set([], of: node)
    pages.forget(node)
    sink?.forget(node)
  }

  private func ask(_ request: ScrapeRequest, of roll: NodeRoll, keepsConnection: Bool) async -> [Answer] {
    let entries = request.places.map { roll.entries[$0] }
    do throws(Miss) {
      let url = try request.url.get()
      let limits = request.key == .node ? settings.nodeLimits : settings.limits
      var page = HTTPRequest.page(url: url, deadline: settings.deadline, connectTimeout: settings.connectTimeout, limits: limits)
      page.keepsConnection = keepsConnection
      page.bodyBuffers = buffers
      page.addressPolicy = settings.allowsLoopback ? .any : .publicOnly
      page.tls = TLSOptions(
        certificateAuthorities: settings.certificateAuthorities, verification: settings.verifiesCertificates ? .full : .none)
      if request.key == .node, let nodeToken, url.hasPrefix("https://") { page.headers += try nodeToken.headers() }
      return request.key == .node
        ? try await readNode(page, entries, node: roll.node) : try await readPod(page, request.key, entries, node: roll.node)
    } catch {
      return Array(repeating: error.outcome, count: entries.count)
    }
  }

  private func readPod(
    _ request: HTTPRequest, _ key: VirtualScrapeCache.Key, _ entries: [RollEntry], node: String
  ) async throws(Miss) -> [Answer] {
    var response = try await fetcher.fetch(request)
    defer { buffers.recycle(&response) }
    let labels = PodLabels(node: node, entries: entries, images: images, isOfOnePod: true)
    let freshness = Freshness(date: response.header("Date"), limit: settings.stalenessLimit)
    let facts: CadvisorFindings
    do {
      let taken = try intakes.take(response.body, labels: labels, freshness, sharing: pages.shapes) { sink?.take($0, key, of: node) }
      // A page without the pod's containers has nothing to serve under its name, but a pod may have no container of its own to show yet.
      if settings.servedFamilies != nil { pages.store(taken.page, key, of: node) }
      facts = taken.facts
    } catch {
      throw Miss(error, page: request.url)
    }
    return answers(of: entries, facts, freshness)
  }

  /// Reads the page of a node that answers for its pods as it arrives: it may be larger than all that is kept of it together.
  private func readNode(_ request: HTTPRequest, _ entries: [RollEntry], node: String) async throws(Miss) -> [Answer] {
    let stream = try await fetcher.open(request)
    let labels = PodLabels(node: node, entries: entries, images: images, isOfOnePod: false)
    var intake = ScrapeIngest(settings: settings, isOfNode: true)
    let freshness = Freshness(date: stream.header("Date"), limit: settings.stalenessLimit)
    intake.begin(labels, freshness)
    let parts: ScrapeIngest.Parts
    do {
      for try await chunk in stream.body { try intake.read(chunk) }
      parts = try intake.finish(sharing: pages.shapes) { pod, page in
        sink?.take(page, pod.map { labels.pods[$0] } ?? .node, of: node)
      } store: { pod, page in
        if settings.servedFamilies != nil { pages.store(page, pod.map { labels.pods[$0] } ?? .node, of: node) }
      }
    } catch let error as ExpositionError {
      throw Miss(error, page: request.url)
    } catch let error as HTTPTransportError {
      throw Miss(error, reasons: .endpoint)
    } catch {
      throw Miss(.unknown, "\(request.url): \(error)")
    }
    var answers = answers(of: entries, parts.facts, freshness)
    for place in entries.indices {
      guard let pod = labels.pod(ofContainer: place), let limit = parts.tooLarge[pod] else { continue }
      answers[place] = Miss(.tooLarge, "\(request.url): the page has \(limit) of the pod").outcome
    }
    return answers
  }

  private func answers(of entries: [RollEntry], _ facts: CadvisorFindings, _ freshness: Freshness) -> [Answer] {
    entries.enumerated().map { place, entry in facts.outcome(of: place, named: entry.reference.container, freshness) }
  }
}
