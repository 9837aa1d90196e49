package import JSON
internal import Primitives
internal import Roll

extension VirtualSnapshot {
  /// The node in a kubelet's `/stats/summary`, as the sum of its pods.
  /// - Parameter now: when the snapshot was taken, in milliseconds since 1970. Values without a timestamp get the arrival of their scrape.
  package func nodeSummary(_ name: String, now: Int64) -> JSONValue {
    let total = total()
    var node: JSONValue = ["nodeName": .string(name)]
    guard let newest = entries.map({ $0.arrival(now) }).max(), let time = time(now) else { return node }
    node["cpu"] = cpu(.init(value: total.cpuSeconds, time: time), nanoCores: total.cpuNanoCores, arrival: newest)
    node["memory"] = memory(workingSet: .init(value: total.workingSetBytes, time: time), usage: nil, rss: nil, arrival: newest)
    return node
  }

  /// The pods in a kubelet's `/stats/summary`. Values that cAdvisor does not export are absent, and so are rates before the second scrape.
  /// Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go
  /// - Parameters:
  ///   - now: when the snapshot was taken, in milliseconds since 1970. Values without a timestamp get the arrival of their scrape.
  ///   - uid: the UID of a pod, if known.
  package func summaries(now: Int64, uid: (_ namespace: String, _ pod: String) -> String?) -> [JSONValue] {
    entries.flatMap { entry in
      let arrival = entry.arrival(now)
      return entry.usages().byPod().compactMap { containers -> JSONValue? in
        guard let reference = containers.first?.reference else { return nil }
        var pod: JSONValue = [
          "podRef": ["name": .string(reference.pod), "namespace": .string(reference.namespace)],
          "containers": .array(containers.map { $0.summary(arrival: arrival) }),
        ]
        pod["podRef"]?["uid"] = uid(reference.namespace, reference.pod).map { .string($0) }
        pod["startTime"] = startTime(containers.compactMap(\.startTimeSeconds).map(\.value).min())
        let rates = containers.compactMap(\.cpuNanoCores)
        pod["cpu"] = cpu(
          sum(containers.compactMap(\.cpuSeconds)), nanoCores: rates.count == containers.count ? rates.reduce(0, +) : nil, arrival: arrival)
        pod["memory"] = memory(
          workingSet: sum(containers.compactMap(\.workingSetBytes)), usage: sum(containers.compactMap(\.usageBytes)),
          rss: sum(containers.compactMap(\.rssBytes)), arrival: arrival)
        return pod
      }
    }
  }
}

extension VirtualSnapshot {
  /// The time of the node's own values: of the newest reading, or else of the newest scrape. `nil` without any scrape.
  func time(_ now: Int64) -> Int64? {
    entries.lazy.flatMap(\.cpu).compactMap(\.time).max() ?? entries.lazy.map { $0.arrival(now) }.max()
  }
}

extension VirtualSnapshot.Entry {
  /// When the scrape arrived, in milliseconds since 1970.
  func arrival(_ now: Int64) -> Int64 { now - Int64(age / .milliseconds(1)) }
}

extension ContainerUsage {
  fileprivate func summary(arrival: Int64) -> JSONValue {
    var container: JSONValue = ["name": .string(reference.container)]
    container["startTime"] = startTime(startTimeSeconds?.value)
    container["cpu"] = cpu(cpuSeconds, nanoCores: cpuNanoCores, arrival: arrival)
    container["memory"] = memory(workingSet: workingSetBytes, usage: usageBytes, rss: rssBytes, arrival: arrival)
    return container
  }
}

private func sum(_ readings: [ContainerUsage.Reading]) -> ContainerUsage.Reading? {
  readings.isEmpty ? nil : .init(value: readings.reduce(0) { $0 + $1.value }, time: readings.compactMap(\.time).min())
}

private func startTime(_ seconds: Double?) -> JSONValue? {
  seconds.flatMap { Int64(exactly: ($0 * 1000).rounded()) }.map { .string(rfc3339(unixMilliseconds: $0)) }
}

private func cpu(_ reading: ContainerUsage.Reading?, nanoCores: Int64?, arrival: Int64) -> JSONValue? {
  guard let reading, let nanoseconds = whole(reading.value * 1e9) else { return nil }
  var cpu: JSONValue = [
    "time": .string(rfc3339(unixMilliseconds: reading.time ?? arrival)), "usageCoreNanoSeconds": .integer(nanoseconds),
  ]
  cpu["usageNanoCores"] = nanoCores.map { .integer($0) }
  return cpu
}

private func memory(
  workingSet: ContainerUsage.Reading?, usage: ContainerUsage.Reading?, rss: ContainerUsage.Reading?, arrival: Int64
) -> JSONValue? {
  guard let first = workingSet ?? usage ?? rss else { return nil }
  var memory: JSONValue = ["time": .string(rfc3339(unixMilliseconds: first.time ?? arrival))]
  memory["workingSetBytes"] = workingSet.flatMap { whole($0.value) }.map { .integer($0) }
  memory["usageBytes"] = usage.flatMap { whole($0.value) }.map { .integer($0) }
  memory["rssBytes"] = rss.flatMap { whole($0.value) }.map { .integer($0) }
  return memory
}

/// `nil` for values that are not valid as bytes or nanoseconds: a response may contain any number.
private func whole(_ value: Double) -> Int64? {
  value >= 0 ? Int64(exactly: value.rounded()) : nil
}

/// Formats a time. Clamped to the years 1970 to 9999.
private func rfc3339(unixMilliseconds: Int64) -> String { Timestamp(unixMilliseconds: max(unixMilliseconds, 0)).rfc3339() }
