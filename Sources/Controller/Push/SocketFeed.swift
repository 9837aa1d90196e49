internal import Collector
internal import Push
internal import Roll

/// Pushes the socket counts of pods on Linux nodes to Open-Falcon: the six that existing Open-Falcon scripts report.
struct SocketFeed: Sendable {
  let pusher: Pusher
  let time: any TimeSource

  private static let metrics: [(metric: StaticString, value: @Sendable (PodSockets) -> Int64?)] = [
    ("pod.sockets.established", { $0.established }), ("pod.sockets.inuse", { $0.inUse }), ("pod.sockets.timewait", { $0.timeWait }),
    ("pod.sockets.orphan", { $0.orphans }), ("pod.sockets.total", { $0.total }), ("pod.sockets.udp", { $0.udp }),
  ]

  func take(_ pods: [PodSockets], of node: String) {
    var scrape = PushedScrape(owner: node, collectedAt: time.reading().unixMilliseconds, endpoint: node)
    for pod in pods {
      scrape.beginLabelSet()
      scrape.addLabel("namespace", pod.namespace)
      scrape.addLabel("pod", pod.pod)
    }
    for (metric, value) in Self.metrics {
      let name = scrape.addName(metric)
      for (set, pod) in pods.enumerated() {
        if let value = value(pod) { scrape.addSample(name: name, labelSet: set, value: Double(value)) }
      }
    }
    pusher.push(scrape)
  }
}
