internal import Roll

/// CPU and memory usage of a container in a scrape.
struct ContainerUsage {
  struct Reading {
    var value: Double
    /// The sample's timestamp, in milliseconds since 1970.
    var time: Int64?
  }

  var reference: ContainerReference
  var cpuSeconds: Reading?
  var workingSetBytes: Reading?
  var usageBytes: Reading?
  var rssBytes: Reading?
  var startTimeSeconds: Reading?
  /// The rate between the last two scrapes.
  var cpuNanoCores: Int64?
}

/// A container's CPU usage at the time of a scrape, kept with the scrape to compute the rate at the next one.
struct CPUUsage: Sendable {
  var container: String
  var seconds: Double
  /// The sample's timestamp, in milliseconds since 1970.
  var time: Int64?
  /// The rate between the last two readings with different times. `nil` until there are two, and after a restart of the container.
  var nanoCores: Int64?

  /// - Parameter interval: the time between the arrival of the two scrapes, used for samples without a timestamp.
  mutating func computeRate(since last: CPUUsage, after interval: Duration) {
    let milliseconds: Double
    if let time, let before = last.time {
      // cAdvisor has not updated the value since: the same reading again.
      if time == before { return nanoCores = last.nanoCores }
      milliseconds = Double(time - before)
    } else {
      milliseconds = interval / .milliseconds(1)
    }
    guard milliseconds > 0, seconds >= last.seconds else { return }
    nanoCores = Int64(exactly: ((seconds - last.seconds) / milliseconds * 1e12).rounded())
  }
}

extension CachedScrape {
  /// The CPU usage of each container.
  func cpuUsages() -> [CPUUsage] {
    var usages: [CPUUsage] = []
    samples(ofFamily: "container_cpu_usage_seconds_total") { label, number, time in
      guard let container = containerName(label) else { return }
      usages.append(CPUUsage(container: container, seconds: number, time: time))
    }
    return usages
  }

  /// The usage of each container, sorted by reference.
  func usages() -> [ContainerUsage] {
    var usages: [ContainerReference: ContainerUsage] = [:]
    func read(_ family: StaticString, _ field: WritableKeyPath<ContainerUsage, ContainerUsage.Reading?>) {
      samples(ofFamily: family) { label, number, time in
        guard let container = containerName(label), let pod = label("pod"), let namespace = label("namespace") else { return }
        let reference = ContainerReference(namespace: namespace, pod: pod, container: container)
        usages[reference, default: ContainerUsage(reference: reference)][keyPath: field] = .init(value: number, time: time)
      }
    }
    read("container_cpu_usage_seconds_total", \.cpuSeconds)
    read("container_memory_working_set_bytes", \.workingSetBytes)
    read("container_memory_usage_bytes", \.usageBytes)
    read("container_memory_rss", \.rssBytes)
    read("container_start_time_seconds", \.startTimeSeconds)
    return usages.values.sorted { $0.reference < $1.reference }
  }
}

/// The container of a sample. `nil` for samples of the pod's cgroup and its sandbox, and for the per-CPU samples of old kernels.
private func containerName(_ label: (StaticString) -> String?) -> String? {
  guard let container = label("container"), !container.isEmpty, container != "POD",
    label("cpu").map({ $0.isEmpty || $0 == "total" }) ?? true
  else { return nil }
  return container
}

extension VirtualSnapshot.Entry {
  /// The usage of each container, with its CPU rate.
  func usages() -> [ContainerUsage] {
    scrape.usages().map { usage in
      var usage = usage
      usage.cpuNanoCores = cpu.first { $0.container == usage.reference.container }?.nanoCores
      return usage
    }
  }
}

extension VirtualSnapshot {
  /// The sum over all pods. CPU seconds count from the pods' first scrapes.
  package func total() -> (cpuSeconds: Double, cpuNanoCores: Int64?, workingSetBytes: Double) {
    var bytes = 0.0
    var nanoCores: Int64?
    for entry in entries {
      bytes += entry.scrape.usages().reduce(0) { $0 + ($1.workingSetBytes?.value ?? 0) }
      for usage in entry.cpu { nanoCores = usage.nanoCores.map { $0 + (nanoCores ?? 0) } ?? nanoCores }
    }
    return (cpuSeconds, nanoCores, bytes)
  }

  /// Splits the snapshot into parts of `count` scrapes, for rendering in chunks.
  package func parts(of count: Int) -> [VirtualSnapshot] {
    stride(from: 0, to: entries.count, by: count).map { start in
      VirtualSnapshot(
        nodes: nodes, entries: Array(entries[start..<min(start + count, entries.count)]), cpuSeconds: cpuSeconds)
    }
  }
}

extension [ContainerUsage] {
  /// Groups sorted usages by pod.
  func byPod() -> [[ContainerUsage]] {
    var pods: [[ContainerUsage]] = []
    for usage in self {
      if let last = pods.last?.first?.reference, last.pod == usage.reference.pod, last.namespace == usage.reference.namespace {
        pods[pods.count - 1].append(usage)
      } else {
        pods.append([usage])
      }
    }
    return pods
  }
}
