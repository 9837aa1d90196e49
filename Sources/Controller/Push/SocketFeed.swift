internal import Collector
internal import Push
internal import Roll

/// Hands the socket numbers of the pods on Linux nodes to Open-Falcon: the six that scripts for this purpose print.
struct SocketFeed: Sendable {
  let pusher: Pusher
  let time: any TimeSource

  private static let numbers: [(metric: StaticString, value: @Sendable (PodSockets) -> Int64?)] = [
    ("pod.sockets.established", { $0.established }), ("pod.sockets.inuse", { $0.inUse }), ("pod.sockets.timewait", { $0.timeWait }),
    ("pod.sockets.orphan", { $0.orphans }), ("pod.sockets.total", { $0.total }), ("pod.sockets.udp", { $0.udp }),
  ]

  func take(_ pods: [PodSockets], of node: String) {
    var page = PushedScrape(owner: node, collectedAt: time.reading().unixMilliseconds, endpoint: node)
    for pod in pods {
      page.beginLabelSet()
      page.addLabel("namespace", pod.namespace)
      page.addLabel("pod", pod.pod)
    }
    for (metric, value) in Self.numbers {
      let name = page.addName(metric)
      for (set, pod) in pods.enumerated() {
        if let value = value(pod) { page.addSample(name: name, labelSet: set, value: Double(value)) }
      }
    }
    pusher.push(page)
  }
}
