internal import Exposition
internal import JSON

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

extension SummaryField {
  static let network: [SummaryField] = [
    ("receive", "bytes", "rxBytes", "Cumulative count of bytes received"),
    ("receive", "errors", "rxErrors", "Cumulative count of errors encountered while receiving"),
    ("transmit", "bytes", "txBytes", "Cumulative count of bytes transmitted"),
    ("transmit", "errors", "txErrors", "Cumulative count of errors encountered while transmitting"),
  ].map { way, what, key, help in
    SummaryField(
      family: "container_network_\(way)_\(what)_total", type: .counter, help: help, part: "network", key: key, zero: .always)
  }

  /// - Parameter prefix: `kubelet_volume_stats_`, the kubelet's own, for claims, and one of ours for other volumes.
  static func volumes(prefix: String) -> [SummaryField] {
    [
      ("capacity_bytes", "capacityBytes", "Capacity in bytes of the volume", Zero.never),
      ("available_bytes", "availableBytes", "Number of available bytes in the volume", .ifNonzero("capacityBytes")),
      ("used_bytes", "usedBytes", "Number of used bytes in the volume", .ifNonzero("capacityBytes")),
      ("inodes", "inodes", "Maximum number of inodes in the volume", .never),
      ("inodes_free", "inodesFree", "Number of free inodes in the volume", .ifNonzero("inodes")),
      ("inodes_used", "inodesUsed", "Number of used inodes in the volume", .ifNonzero("inodes")),
    ].map { suffix, key, help, zero in
      SummaryField(family: prefix + suffix, type: .gauge, help: help, part: "volume", key: key, zero: zero)
    }
  }
}
