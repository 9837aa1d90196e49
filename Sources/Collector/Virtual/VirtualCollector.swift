internal import Exposition
package import HTTPTransport
package import Roll

/// Calls the roll of a virtual node by reading the cAdvisor endpoint of each of its pods, or the one that answers for all of them, and
/// keeps what they say in `pages`. One value serves any number of nodes at once.
///
/// Each pod is answered for by itself: one that hangs costs its own containers their answer and the others nothing.
package struct VirtualCollector: NodeCollector {
  /// What the pods said last.
  package let pages: VirtualPages
  private let fetcher: PageFetcher
  private let settings: VirtualSettings
  private let slots: CallSlots
  private let intakes: IntakePool
  private let endpoints: VirtualEndpoints
  private let sink: (any PageSink)?

  /// - Parameters:
  ///   - endpoints: what nodes and pods say about where their pages are.
  ///   - sink: told of every page where the settings say so.
  package init(
    transport: HTTPTransport, settings: VirtualSettings, endpoints: VirtualEndpoints = .asConfigured, sink: (any PageSink)? = nil
  ) {
    self.sink = sink
    self.endpoints = endpoints
    fetcher = PageFetcher(transport: transport, reasons: .endpoint)
    self.settings = settings
    pages = VirtualPages(stalenessLimit: settings.stalenessLimit)
    slots = CallSlots(settings.maximumTransfers)
    intakes = IntakePool(settings: settings)
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    let asked = PageRequest.all(of: roll, settings: settings, endpoints: endpoints)
    // Every place is written, because every entry is in one request.
    var outcomes = [Outcome](repeating: .missed(.unknown, detail: "the pod was not asked"), count: roll.entries.count)
    await withTaskGroup(of: (PageRequest, [Outcome]).self) { group in
      // No more tasks than could have a slot: thousands that wait would cost memory for nothing.
      var next = asked.makeIterator()
      func askNext() {
        guard let request = next.next() else { return }
        group.addTask { (request, await slots.run { await ask(request, of: roll) } ?? []) }
      }
      for _ in 0..<max(1, settings.maximumTransfers) { askNext() }
      while let (request, answers) = await group.next() {
        for (place, answer) in zip(request.places, answers) { outcomes[place] = answer }
        askNext()
      }
    }
    if !Task.isCancelled {
      let keys = Set(asked.map(\.key))
      pages.retain(keys, of: roll.node)
      sink?.retain(keys, of: roll.node)
    }
    // Where nothing is served, nobody can scrape it.
    return roll.answered(outcomes, lastScrape: settings.servedFamilies == nil ? .notObservable : pages.lastScrape(of: roll.node))
  }

  /// A node is gone: nothing of it is served any more.
  package func forget(node: String) {
    pages.forget(node)
    sink?.forget(node)
  }

  private func ask(_ request: PageRequest, of roll: NodeRoll) async -> [Outcome] {
    let entries = request.places.map { roll.entries[$0] }
    do throws(Miss) {
      return try await read(request, entries, node: roll.node)
    } catch {
      return Array(repeating: error.outcome, count: entries.count)
    }
  }

  private func read(_ request: PageRequest, _ entries: [RollEntry], node: String) async throws(Miss) -> [Outcome] {
    let url = try request.url.get()
    var page = HTTPRequest.page(url: url, deadline: settings.deadline, connectTimeout: settings.connectTimeout, limits: settings.limits)
    page.addressPolicy = settings.allowsLoopback ? .any : .publicOnly
    page.tls = TLSOptions(
      certificateAuthorities: settings.certificateAuthorities, verification: settings.verifiesCertificates ? .full : .none)
    let response = try await fetcher.fetch(page)
    let labels = PodLabels(node: node, entries: entries, isOfOnePod: request.key != .node)
    let facts: PageFacts
    do {
      let taken = try intakes.take(response.body, labels: labels, sharing: pages.shapes) { sink?.take($0, request.key, of: node) }
      // A page without the pod's containers has nothing to serve under its name, but a pod may have no container of its own to show yet.
      if settings.servedFamilies != nil { pages.store(taken.page, request.key, of: node) }
      facts = taken.facts
    } catch {
      throw Miss(error, page: url)
    }
    let sent = response.header("Date").flatMap(unixMilliseconds(ofHTTPDate:))
    return entries.enumerated().map { place, entry in
      facts.outcome(of: place, named: entry.reference.container, sent: sent, stalenessLimit: settings.stalenessLimit)
    }
  }
}
