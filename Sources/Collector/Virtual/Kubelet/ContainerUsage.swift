internal import Primitives
internal import Roll

/// CPU and memory usage of a container in a scrape, of the instance that runs.
struct ContainerUsage {
  struct Reading {
    var value: Double
    /// The sample's timestamp, in milliseconds since 1970.
    var time: Int64?
  }

  var reference: ContainerReference
  /// Differs between instances of the container. 0 if unknown.
  var instance: UInt64 = 0
  var cpuSeconds: Reading?
  /// Whether `cpuSeconds` is a sample of its own, and not the sum over processors.
  fileprivate var hasTotal = false
  var workingSetBytes: Reading?
  var usageBytes: Reading?
  var rssBytes: Reading?
  /// `nil` also for times before 1970, which cAdvisor writes if it does not know the time.
  var startTimeSeconds: Reading?
  /// The rate between the last two scrapes.
  var cpuNanoCores: Int64?

  /// The time of the newest reading.
  fileprivate var newest: Int64? { [cpuSeconds, workingSetBytes, usageBytes, rssBytes].compactMap { $0?.time }.max() }

  /// Adds what is missing from readings without an instance.
  fileprivate mutating func fill(from other: ContainerUsage) {
    cpuSeconds = cpuSeconds ?? other.cpuSeconds
    workingSetBytes = workingSetBytes ?? other.workingSetBytes
    usageBytes = usageBytes ?? other.usageBytes
    rssBytes = rssBytes ?? other.rssBytes
    startTimeSeconds = startTimeSeconds ?? other.startTimeSeconds
  }
}

/// A container's CPU usage at the time of a scrape, kept with the scrape to compute the rate at the next one.
struct CPUUsage: Sendable {
  var container: String
  /// As in `ContainerUsage`.
  var instance: UInt64
  var startTimeSeconds: Double?
  var seconds: Double
  /// The sample's timestamp, in milliseconds since 1970.
  var time: Int64?
  /// The rate between the last two readings with different times. `nil` until there are two of one instance.
  var nanoCores: Int64?

  /// Whether both readings are of one instance, as far as is known.
  func isInstance(of other: CPUUsage) -> Bool {
    if instance != 0, other.instance != 0, instance != other.instance { return false }
    guard let startTimeSeconds, let start = other.startTimeSeconds else { return true }
    return abs(startTimeSeconds - start) < 1
  }

  /// - Parameters:
  ///   - last: a reading of the same instance.
  ///   - interval: the time between the arrival of the two scrapes, used for samples without a timestamp.
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
    usages(of: [.cpu, .start]).compactMap { usage in
      usage.cpuSeconds.map {
        CPUUsage(
          container: usage.reference.container, instance: usage.instance, startTimeSeconds: usage.startTimeSeconds?.value,
          seconds: $0.value, time: $0.time)
      }
    }
  }

  /// The usage of each container, sorted by reference.
  func usages() -> [ContainerUsage] { usages(of: UsageFamily.allCases) }

  private func usages(of families: [UsageFamily]) -> [ContainerUsage] {
    var readings = families.flatMap(readings)
    readings.sort { ($0.reference, $0.instance) < ($1.reference, $1.instance) }
    var instances: [ContainerUsage] = []
    for reading in readings {
      if instances.last.map({ $0.reference == reading.reference && $0.instance == reading.instance }) != true {
        instances.append(ContainerUsage(reference: reading.reference, instance: reading.instance))
      }
      instances[instances.count - 1].add(reading)
    }
    instances.sort { left, right in
      left.reference == right.reference ? Self.rank(left) < Self.rank(right) : left.reference < right.reference
    }
    var usages: [ContainerUsage] = []
    for var instance in instances {
      if let last = usages.last, last.reference == instance.reference {
        // The running instance is the last one.
        if last.instance == 0 { instance.fill(from: last) }
        usages[usages.count - 1] = instance
      } else {
        usages.append(instance)
      }
    }
    return usages
  }

  /// Orders the instances of a container: known before unknown, by start, and by the newest reading.
  private static func rank(_ usage: ContainerUsage) -> (Int, Double, Int64) {
    (usage.instance == 0 ? 0 : 1, usage.startTimeSeconds?.value ?? 0, usage.newest ?? 0)
  }

  private func readings(_ family: UsageFamily) -> [UsageReading] {
    var readings: [UsageReading] = []
    samples(ofFamily: family.name) { label, number, time in
      guard family != .start || number > 0, let container = label("container"), !container.isEmpty, !container.elementsEqual("POD".utf8),
        let pod = label("pod"), let namespace = label("namespace")
      else { return }
      let processor = label("cpu").flatMap { $0.isEmpty || $0.elementsEqual("total".utf8) ? nil : $0 }
      readings.append(
        UsageReading(
          reference: ContainerReference(namespace: text(namespace), pod: text(pod), container: text(container)),
          instance: (label("id") ?? label("name")).map { $0.isEmpty ? 0 : fnv1a($0) } ?? 0, family: family,
          isOfProcessor: processor != nil, value: .init(value: number, time: time)))
    }
    return readings
  }
}

/// The families that usage is read from.
private enum UsageFamily: CaseIterable {
  case cpu, workingSet, usage, rss, start

  var name: StaticString {
    switch self {
    case .cpu: "container_cpu_usage_seconds_total"
    case .workingSet: "container_memory_working_set_bytes"
    case .usage: "container_memory_usage_bytes"
    case .rss: "container_memory_rss"
    case .start: "container_start_time_seconds"
    }
  }

  var field: WritableKeyPath<ContainerUsage, ContainerUsage.Reading?> {
    switch self {
    case .cpu: \.cpuSeconds
    case .workingSet: \.workingSetBytes
    case .usage: \.usageBytes
    case .rss: \.rssBytes
    case .start: \.startTimeSeconds
    }
  }
}

/// A sample of one of the families.
private struct UsageReading {
  var reference: ContainerReference
  var instance: UInt64
  var family: UsageFamily
  /// Whether it is the CPU usage on one processor.
  var isOfProcessor: Bool
  var value: ContainerUsage.Reading
}

extension ContainerUsage {
  /// CPU usage by processor is added up, unless the scrape has the total as well.
  fileprivate mutating func add(_ reading: UsageReading) {
    guard reading.isOfProcessor else {
      if reading.family == .cpu { hasTotal = true }
      self[keyPath: reading.family.field] = reading.value
      return
    }
    guard !hasTotal else { return }
    guard let sum = cpuSeconds else {
      cpuSeconds = reading.value
      return
    }
    cpuSeconds = Reading(value: sum.value + reading.value.value, time: [sum.time, reading.value.time].compactMap(\.self).min())
  }
}

private func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

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
