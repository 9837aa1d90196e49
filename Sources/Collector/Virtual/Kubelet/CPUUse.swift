/// What a container of a pod had used of CPU when its page was made: kept beside the page, since a rate needs the page before.
struct CPUUse: Sendable {
  var container: String
  var seconds: Double
  /// Of the sample, in milliseconds since 1970, if it has one.
  var time: Int64?
  /// Between the two last readings that differ in time; `nil` before there are two, and after a restart of the container.
  var nanoCores: Int64?

  /// - Parameter interval: between the arrival of the two pages, for samples that carry no time.
  mutating func follow(_ last: CPUUse, after interval: Duration) {
    let milliseconds: Double
    if let time, let before = last.time {
      // cAdvisor has not looked again: the same reading once more.
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
  /// Of each container that the page names.
  func cpuUses() -> [CPUUse] {
    var uses: [CPUUse] = []
    samples(ofFamily: "container_cpu_usage_seconds_total") { label, number, time in
      guard let container = label("container"), !container.isEmpty, container != "POD",
        label("cpu").map({ $0.isEmpty || $0 == "total" }) ?? true
      else { return }
      uses.append(CPUUse(container: container, seconds: number, time: time))
    }
    return uses
  }
}
