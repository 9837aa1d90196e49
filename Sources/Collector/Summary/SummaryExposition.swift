internal import Exposition
internal import JSON
internal import Roll

extension KubeletSummary {
  /// The summary as a page of metrics. Samples carry the time of the part that they come from, as cAdvisor's do.
  /// - Parameter isOnHostNetwork: whether a pod has no network of its own, which a summary does not say.
  func page(of node: String, isOnHostNetwork: (Pod) -> Bool = { _ in false }) -> [UInt8] {
    var writer = ExpositionWriter(reservingCapacity: 32 << 10)
    let nodeLabels: ExpositionLabels = ["node": node]
    let containers = containerItems(nodeLabels)
    let pods = podItems(nodeLabels)
    var root = nodeItem(nodeLabels)
    // What the node calls fs is to it what rootfs is to a container.
    root.content["rootfs"] = root.content["fs"]
    writer.write(SummaryField.resources, of: containers + pods + [root], freshness)
    writer.write(SummaryField.logs, of: containers, freshness)
    writer.write(SummaryField.network, of: interfaceItems(nodeLabels, isOnHostNetwork: isOnHostNetwork), freshness)
    let volumes = volumeItems(nodeLabels)
    writer.write(SummaryField.volumes(prefix: "kubelet_volume_stats_"), of: volumes.claims, freshness)
    writer.write(SummaryField.volumes(prefix: "rollcall_pod_volume_"), of: volumes.others, freshness)
    writer.write(SummaryField.ephemeralStorage, of: pods, freshness)
    writer.writeStartTimes(of: containers + [root])
    return writer.bytes
  }

  /// One outcome for each entry. A container is collected if processor time or memory of its own is there, fresh and believable.
  func answers(for entries: some Sequence<RollEntry>) -> [Answer] {
    var contents: [ContainerReference: JSONValue] = [:]
    for pod in pods {
      for (name, content) in pod.containers {
        contents[ContainerReference(namespace: pod.namespace, pod: pod.name, container: name)] = content
      }
    }
    return entries.map { entry in
      guard let content = contents[entry.reference] else {
        return .missed(.notInResponse, detail: "the kubelet's summary has \(pods.count) pods, and not this container")
      }
      return outcome(of: content)
    }
  }

  private func outcome(of content: JSONValue) -> Answer {
    let parts = ["cpu", "memory"].compactMap { content[$0] }
    if !parts.isEmpty, !parts.contains(where: freshness.isFresh) {
      let times = parts.compactMap { $0["time"]?.string }.max() ?? ""
      return .missed(.staleData, detail: "the newest number of the container in the kubelet's summary is of \(times)")
    }
    let numbers = SummaryField.resources.filter { ["cpu", "memory"].contains($0.part) }.compactMap { $0.value(in: content, freshness) }
    guard !numbers.isEmpty else {
      return .missed(
        .notInResponse, detail: "the kubelet's summary lists the container without any number of its processor time or its memory")
    }
    return freshness.outcome(newest: numbers.compactMap(\.time).max())
  }
}

extension ExpositionWriter {
  /// All samples of a family stand together, so each field goes over all items.
  fileprivate mutating func write(_ fields: [SummaryField], of items: [SummaryItem], _ freshness: Freshness) {
    for field in fields {
      for item in items {
        guard let (value, time) = field.value(in: item.content, freshness) else { continue }
        family(field.family, field.type, help: field.help)
        var labels = item.labels
        labels.append(field.labels)
        sample(field.family, labels, value, timestampMilliseconds: time)
      }
    }
  }

  fileprivate mutating func writeStartTimes(of items: [SummaryItem]) {
    for item in items {
      guard let start = item.content["startTime"]?.string.flatMap(unixMilliseconds(ofRFC3339:)), start > 0 else { continue }
      family("container_start_time_seconds", .gauge, help: "Start time of the container since unix epoch in seconds.")
      sample("container_start_time_seconds", item.labels, Double(start) / 1000)
    }
  }
}
