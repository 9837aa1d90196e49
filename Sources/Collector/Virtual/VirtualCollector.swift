internal import Exposition
package import HTTPTransport
package import Roll

/// Calls the roll of a virtual node by reading the cAdvisor endpoint of each of its pods. One value serves any number of nodes at once.
///
/// Each pod is answered for by itself: one that hangs costs its own containers their answer and the others nothing.
package struct VirtualCollector: NodeCollector {
  private let fetcher: PageFetcher
  private let settings: VirtualSettings

  package init(transport: HTTPTransport, settings: VirtualSettings) {
    fetcher = PageFetcher(transport: transport, reasons: .endpoint)
    self.settings = settings
  }

  package func call(_ roll: NodeRoll) async -> RollCall {
    var pods = Pod.grouping(roll.entries).makeIterator()
    // Every place is written, because every entry is in one pod.
    var outcomes = [Outcome](repeating: .missed(.unknown, detail: "the pod was not asked"), count: roll.entries.count)
    await withTaskGroup(of: (Pod, [Outcome]).self) { group in
      func askNextPod() {
        guard let pod = pods.next() else { return }
        group.addTask { (pod, await ask(pod)) }
      }
      for _ in 0..<max(1, settings.maximumTransfers) {
        askNextPod()
      }
      while let (pod, answers) = await group.next() {
        for (container, answer) in zip(pod.containers, answers) {
          outcomes[container.index] = answer
        }
        askNextPod()
      }
    }
    return roll.answered(outcomes, lastScrape: .notObservable)
  }

  private func ask(_ pod: Pod) async -> [Outcome] {
    do throws(Miss) {
      return try await read(pod)
    } catch {
      return Array(repeating: error.outcome, count: pod.containers.count)
    }
  }

  private func read(_ pod: Pod) async throws(Miss) -> [Outcome] {
    let name = "\(pod.identity.namespace)/\(pod.identity.name)"
    guard let address = pod.identity.address else {
      throw Miss(.endpointUnreachable, "the pod \(name) has no address in its status")
    }
    guard let host = urlHost(of: address) else {
      throw Miss(.endpointUnreachable, "the address of the pod \(name) is not an IP address: '\(address)'")
    }
    let url = "\(settings.scheme)://\(host):\(settings.port)\(settings.path)"
    var request = HTTPRequest.page(
      url: url, deadline: settings.deadline, connectTimeout: settings.connectTimeout, limits: settings.limits)
    request.addressPolicy = settings.allowsLoopback ? .any : .publicOnly
    request.tls = TLSOptions(
      certificateAuthorities: settings.certificateAuthorities, verification: settings.verifiesCertificates ? .full : .none)
    let response = try await fetcher.fetch(request)
    let page: PodPage
    do {
      page = try PodPage(response.body, for: pod.containers.map(\.reference), limits: settings.limits)
    } catch {
      throw Miss(error, page: url)
    }
    return page.outcomes(
      sent: response.header("Date").flatMap(unixMilliseconds(ofHTTPDate:)), stalenessLimit: settings.stalenessLimit)
  }
}

/// The containers of one pod, and where in the roll they stand.
private struct Pod: Sendable {
  /// A pod that was replaced by one of its name has another UID, and may be on the roll beside it.
  struct Identity: Hashable {
    var namespace: String
    var name: String
    var uid: String
    var address: String?
  }

  var identity: Identity
  var containers: [(index: Int, reference: ContainerReference)] = []

  /// In the order of the roll.
  static func grouping(_ entries: RollEntries) -> [Pod] {
    var pods: [Pod] = []
    var places: [Identity: Int] = [:]
    for (index, entry) in entries.enumerated() {
      let identity = Identity(
        namespace: entry.reference.namespace, name: entry.reference.pod, uid: entry.podUID, address: entry.podIP)
      let place = places[identity] ?? pods.count
      if place == pods.count {
        places[identity] = place
        pods.append(Pod(identity: identity))
      }
      pods[place].containers.append((index, entry.reference))
    }
    return pods
  }
}
