internal import Exposition
internal import JSON
internal import Primitives
internal import Roll

/// A kubelet's response at `/stats/summary`. Any part can be missing.
///
/// Each part has its own time. A part that was older than the limit when the response was sent counts as missing: kubelets keep serving
/// values that the runtime no longer updates.
/// Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go.
struct KubeletSummary {
  /// A pod. If two have the same name, the one that started last.
  struct Pod {
    let namespace: String
    let name: String
    let content: JSONValue

    var containers: [(name: String, content: JSONValue)] {
      var seen: Set<String> = []
      return (content["containers"]?.array ?? []).compactMap { content in
        guard let name = content["name"]?.string, !name.isEmpty, seen.insert(name).inserted else { return nil }
        return (name, content)
      }
    }
  }

  let node: JSONValue
  /// Sorted by namespace and name.
  let pods: [Pod]
  let freshness: Freshness

  init(_ body: [UInt8], freshness: Freshness, origin: String) throws(Miss) {
    let document: JSONValue
    do {
      document = try JSONValue(parsing: body)
    } catch {
      throw Miss(.badExposition, "\(origin): not a JSON summary (\(error))")
    }
    guard let node = document["node"], node.object != nil else {
      throw Miss(.badExposition, "\(origin): not a kubelet's summary: it has no node")
    }
    var newest: [ContainerReference: Pod] = [:]
    for pod in document["pods"]?.array ?? [] {
      guard let namespace = pod["podRef"]?["namespace"]?.string, let name = pod["podRef"]?["name"]?.string, !name.isEmpty else { continue }
      let key = ContainerReference(namespace: namespace, pod: name, container: "")
      // RFC 3339 times in the same zone sort as text.
      if let other = newest[key], other.content["startTime"]?.string ?? "" >= pod["startTime"]?.string ?? "" { continue }
      newest[key] = Pod(namespace: namespace, name: name, content: pod)
    }
    self.node = node
    self.freshness = freshness
    pods = newest.sorted { $0.key < $1.key }.map(\.value)
  }
}

extension Freshness {
  /// The time of a part of a summary, in milliseconds since 1970.
  func time(of part: JSONValue) -> Int64? {
    part["time"]?.string.flatMap(unixMilliseconds(ofSummaryTime:))
  }

  func isFresh(_ part: JSONValue) -> Bool { time(of: part).map(covers) ?? true }
}

/// A container, pod, interface, volume or node of a summary, with the labels of its series.
struct SummaryItem {
  var labels: ExpositionLabels
  var content: JSONValue
}

extension KubeletSummary {
  func containerItems(_ nodeLabels: ExpositionLabels) -> [SummaryItem] {
    pods.flatMap { pod in
      pod.containers.map { name, content in
        SummaryItem(labels: labels(of: pod, nodeLabels).adding("container", name), content: content)
      }
    }
  }

  /// The pods as a whole. In cAdvisor's families their series have no label `container`.
  func podItems(_ nodeLabels: ExpositionLabels) -> [SummaryItem] {
    pods.map { SummaryItem(labels: labels(of: $0, nodeLabels), content: $0.content) }
  }

  /// The node, which is the root of cAdvisor's hierarchy.
  func nodeItem(_ nodeLabels: ExpositionLabels) -> SummaryItem {
    SummaryItem(labels: nodeLabels.adding("id", "/"), content: node)
  }

  /// The network interfaces of all pods and of the node. The interface is the part `network` of its item.
  ///
  /// Excludes pods on the host's network. Kubelets report the host's numbers for them, which would distort any sum over pods.
  func interfaceItems(_ nodeLabels: ExpositionLabels, isOnHostNetwork: (Pod) -> Bool) -> [SummaryItem] {
    let pods = pods.filter { !isOnHostNetwork($0) }.map { SummaryItem(labels: labels(of: $0, nodeLabels), content: $0.content) }
    return (pods + [nodeItem(nodeLabels)]).flatMap { item -> [SummaryItem] in
      guard let network = item.content["network"] else { return [] }
      var seen: Set<String> = []
      // Without a list of interfaces, the network is the only one.
      return (network["interfaces"]?.array ?? [network]).compactMap { interface in
        var interface = interface
        if interface["time"] == nil { interface["time"] = network["time"] }
        let name = interface["name"]?.string ?? ""
        guard seen.insert(name).inserted else { return nil }
        let labels = name.isEmpty ? item.labels : item.labels.adding("interface", name)
        return SummaryItem(labels: labels, content: ["network": interface])
      }
    }
  }

  /// The volumes: persistent volume claims once each, even if several pods mount them, and other volumes by pod. The volume is the part
  /// `volume` of its item.
  func volumeItems(_ nodeLabels: ExpositionLabels) -> (claims: [SummaryItem], others: [SummaryItem]) {
    var claims: [SummaryItem] = []
    var others: [SummaryItem] = []
    var seen: Set<[UInt8]> = []
    for pod in pods {
      for volume in pod.content["volume"]?.array ?? [] {
        guard let name = volume["name"]?.string, !name.isEmpty else { continue }
        let content: JSONValue = ["volume": volume]
        if let claim = volume["pvcRef"]?["name"]?.string {
          var labels: ExpositionLabels = [
            "namespace": volume["pvcRef"]?["namespace"]?.string ?? pod.namespace, "persistentvolumeclaim": claim,
          ]
          labels.append(nodeLabels)
          if seen.insert(labels.bytes).inserted { claims.append(SummaryItem(labels: labels, content: content)) }
        } else {
          let labels = labels(of: pod, nodeLabels).adding("volume", name)
          if seen.insert(labels.bytes).inserted { others.append(SummaryItem(labels: labels, content: content)) }
        }
      }
    }
    return (claims, others)
  }

  private func labels(of pod: Pod, _ nodeLabels: ExpositionLabels) -> ExpositionLabels {
    var labels: ExpositionLabels = ["namespace": pod.namespace, "pod": pod.name]
    labels.append(nodeLabels)
    return labels
  }
}

/// Parses a time of a summary. Returns milliseconds since 1970, or `nil` for earlier times, such as Go's zero value in the year 1.
func unixMilliseconds(ofSummaryTime text: String) -> Int64? {
  guard let milliseconds = Timestamp(rfc3339: text)?.unixMilliseconds, milliseconds >= 0 else { return nil }
  return milliseconds
}
