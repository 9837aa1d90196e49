internal import Exposition
internal import JSON
internal import Roll

extension KubeletSummary {
  /// The summary in the text format. Like cAdvisor's, samples carry the time of the part they come from.
  /// - Parameter isOnHostNetwork: whether a pod uses its node's network. The summary does not contain this.
  func exposition(of node: String, isOnHostNetwork: (Pod) -> Bool = { _ in false }) -> [UInt8] {
    var writer = ExpositionWriter(reservingCapacity: 32 << 10)
    let nodeLabels: ExpositionLabels = ["node": node]
    let containers = containerItems(nodeLabels)
    let pods = podItems(nodeLabels)
    var root = nodeItem(nodeLabels)
    // A node's `fs` corresponds to a container's `rootfs`.
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

  /// One answer for each entry. A container is collected if the summary has a fresh and plausible value of its CPU time or memory.
  func answers(for entries: some Sequence<RollEntry>) -> [Answer] {
    var contents: [ContainerReference: JSONValue] = [:]
    for pod in pods {
      for (name, content) in pod.containers {
        contents[ContainerReference(namespace: pod.namespace, pod: pod.name, container: name)] = content
      }
    }
    return entries.map { entry in
      guard let content = contents[entry.reference] else {
        return .missed(.notInResponse, detail: "none of the \(pods.count) pods in the kubelet's summary has this container")
      }
      return answer(of: content)
    }
  }

  private func answer(of content: JSONValue) -> Answer {
    let parts = ["cpu", "memory"].compactMap { content[$0] }
    if !parts.isEmpty, !parts.contains(where: freshness.isFresh) {
      let times = parts.compactMap { $0["time"]?.string }.max() ?? ""
      return .missed(.staleData, detail: "the container's newest values in the kubelet's summary are from \(times)")
    }
    let numbers = SummaryField.resources.filter { ["cpu", "memory"].contains($0.part) }.compactMap { $0.value(in: content, freshness) }
    guard !numbers.isEmpty else {
      return .missed(
        .notInResponse, detail: "the kubelet's summary lists the container without any value of its CPU time or memory")
    }
    return freshness.answer(newest: numbers.compactMap(\.time).max())
  }
}

extension ExpositionWriter {
  /// Iterates over the fields first, to keep the samples of each family contiguous.
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
      guard let start = item.content["startTime"]?.string.flatMap(unixMilliseconds(ofSummaryTime:)), start > 0 else { continue }
      family("container_start_time_seconds", .gauge, help: "Start time of the container since unix epoch in seconds.")
      sample("container_start_time_seconds", item.labels, Double(start) / 1000)
    }
  }
}
