package import JSON
internal import Roll

extension VirtualSnapshot {
  /// The node in a kubelet's `/stats/summary`, as the sum of its pods.
  package func nodeSummary(_ name: String) -> JSONValue {
    let total = total()
    var node: JSONValue = ["nodeName": .string(name)]
    guard !entries.isEmpty else { return node }
    let time = entries.flatMap(\.cpu).compactMap(\.time).max()
    node["cpu"] = cpu(.init(value: total.cpuSeconds, time: time), nanoCores: total.cpuNanoCores)
    node["memory"] = memory(workingSet: .init(value: total.workingSetBytes, time: time), usage: nil, rss: nil)
    return node
  }

  /// The pods as they stand in a kubelet's `/stats/summary`; what cAdvisor does not say is absent, and rates are before the second page.
  /// Source: k8s.io/kubelet/pkg/apis/stats/v1alpha1/types.go
  /// - Parameter uid: of a pod, if it is known.
  package func summaries(uid: (_ namespace: String, _ pod: String) -> String?) -> [JSONValue] {
    entries.flatMap { entry in
      entry.usages().byPod().compactMap { containers -> JSONValue? in
        guard let reference = containers.first?.reference else { return nil }
        var pod: JSONValue = [
          "podRef": ["name": .string(reference.pod), "namespace": .string(reference.namespace)],
          "containers": .array(containers.map(\.summary)),
        ]
        pod["podRef"]?["uid"] = uid(reference.namespace, reference.pod).map { .string($0) }
        pod["startTime"] = startTime(containers.compactMap(\.startTimeSeconds).map(\.value).min())
        let rates = containers.compactMap(\.cpuNanoCores)
        pod["cpu"] = cpu(sum(containers.compactMap(\.cpuSeconds)), nanoCores: rates.count == containers.count ? rates.reduce(0, +) : nil)
        pod["memory"] = memory(
          workingSet: sum(containers.compactMap(\.workingSetBytes)), usage: sum(containers.compactMap(\.usageBytes)),
          rss: sum(containers.compactMap(\.rssBytes)))
        return pod
      }
    }
  }
}

extension ContainerUsage {
  fileprivate var summary: JSONValue {
    var container: JSONValue = ["name": .string(reference.container)]
    container["startTime"] = startTime(startTimeSeconds?.value)
    container["cpu"] = cpu(cpuSeconds, nanoCores: cpuNanoCores)
    container["memory"] = memory(workingSet: workingSetBytes, usage: usageBytes, rss: rssBytes)
    return container
  }
}

private func sum(_ readings: [ContainerUsage.Reading]) -> ContainerUsage.Reading? {
  readings.isEmpty ? nil : .init(value: readings.reduce(0) { $0 + $1.value }, time: readings.compactMap(\.time).min())
}

private func startTime(_ seconds: Double?) -> JSONValue? {
  seconds.flatMap { Int64(exactly: ($0 * 1000).rounded()) }.map { .string(rfc3339(ofUnixMilliseconds: $0)) }
}

private func cpu(_ reading: ContainerUsage.Reading?, nanoCores: Int64?) -> JSONValue? {
  guard let reading, let nanoseconds = whole(reading.value * 1e9) else { return nil }
  var cpu: JSONValue = ["usageCoreNanoSeconds": .integer(nanoseconds)]
  cpu["usageNanoCores"] = nanoCores.map { .integer($0) }
  cpu["time"] = reading.time.map { .string(rfc3339(ofUnixMilliseconds: $0)) }
  return cpu
}

private func memory(
  workingSet: ContainerUsage.Reading?, usage: ContainerUsage.Reading?, rss: ContainerUsage.Reading?
) -> JSONValue? {
  guard let first = workingSet ?? usage ?? rss else { return nil }
  var memory: JSONValue = [:]
  memory["time"] = first.time.map { .string(rfc3339(ofUnixMilliseconds: $0)) }
  memory["workingSetBytes"] = workingSet.flatMap { whole($0.value) }.map { .integer($0) }
  memory["usageBytes"] = usage.flatMap { whole($0.value) }.map { .integer($0) }
  memory["rssBytes"] = rss.flatMap { whole($0.value) }.map { .integer($0) }
  return memory
}

/// `nil` for what is no number of bytes or nanoseconds: a page may say anything.
private func whole(_ value: Double) -> Int64? {
  value >= 0 ? Int64(exactly: value.rounded()) : nil
}

/// `2026-03-01T12:00:00Z`, as Kubernetes writes times.
func rfc3339(ofUnixMilliseconds milliseconds: Int64) -> String {
  let seconds = max(0, min(milliseconds, 253_402_300_799_000)) / 1000
  let day = seconds / 86400
  // The civil calendar in years that begin in March, counted from 0000-03-01, in eras of 400 years: the inverse of `daysSince1970`.
  let shifted = day + 719_468
  let era = shifted / 146_097
  let dayOfEra = shifted % 146_097
  let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
  let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
  let shiftedMonth = (5 * dayOfYear + 2) / 153
  let dayOfMonth = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
  let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  func padded(_ number: Int64, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
  let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))"
  let time = "\(padded(seconds / 3600 % 24, 2)):\(padded(seconds / 60 % 60, 2)):\(padded(seconds % 60, 2))"
  return "\(date)T\(time)Z"
}
