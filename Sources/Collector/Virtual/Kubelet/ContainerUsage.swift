internal import Roll

/// What a page says of one container's use of CPU and memory, each with the sample's own time in milliseconds since 1970.
struct ContainerUsage {
  struct Reading {
    var value: Double
    var time: Int64?
  }

  var reference: ContainerReference
  var cpuSeconds: Reading?
  var workingSetBytes: Reading?
  var usageBytes: Reading?
  var rssBytes: Reading?
  var startTimeSeconds: Reading?
  /// Between the last two pages.
  var cpuNanoCores: Int64?
}

extension CachedScrape {
  /// One for each container that the page names, in the order of its pod and name. The pod's own cgroup and its sandbox are no containers.
  func usages() -> [ContainerUsage] {
    var usages: [ContainerReference: ContainerUsage] = [:]
    func read(_ family: StaticString, _ field: WritableKeyPath<ContainerUsage, ContainerUsage.Reading?>) {
      samples(ofFamily: family) { label, number, time in
        guard let container = label("container"), !container.isEmpty, container != "POD", let pod = label("pod"),
          let namespace = label("namespace"),
          // Old kernels give CPU time by processor, too.
          label("cpu").map({ $0.isEmpty || $0 == "total" }) ?? true
        else { return }
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

extension VirtualSnapshot.Entry {
  func usages() -> [ContainerUsage] {
    page.usages().map { usage in
      var usage = usage
      usage.cpuNanoCores = cpu.first { $0.container == usage.reference.container }?.nanoCores
      return usage
    }
  }
}

extension VirtualSnapshot {
  /// What the pods use together: CPU seconds since they are watched, and bytes of memory.
  package func total() -> (cpuSeconds: Double, cpuNanoCores: Int64?, workingSetBytes: Double) {
    var bytes = 0.0
    var nanoCores: Int64?
    for entry in entries {
      bytes += entry.page.usages().reduce(0) { $0 + ($1.workingSetBytes?.value ?? 0) }
      for use in entry.cpu { nanoCores = use.nanoCores.map { $0 + (nanoCores ?? 0) } ?? nanoCores }
    }
    return (cpuSeconds, nanoCores, bytes)
  }

  /// The same in parts of so many pages, for who makes something of them piece by piece.
  package func parts(of count: Int) -> [VirtualSnapshot] {
    stride(from: 0, to: entries.count, by: count).map { start in
      VirtualSnapshot(
        nodes: nodes, entries: Array(entries[start..<min(start + count, entries.count)]), cpuSeconds: cpuSeconds)
    }
  }
}
