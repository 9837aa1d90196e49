internal import Exposition
internal import Push

extension ExpositionWriter {
  /// What becomes of samples that are pushed.
  mutating func push(_ receivers: [PushReceiver]) {
    guard !receivers.isEmpty else { return }
    let all = receivers.map { ($0, $0.pusher.statistics) }
    func counter(_ name: String, _ help: String, _ value: (PushStatistics) -> UInt64) {
      family(name, .counter, help: help)
      for (receiver, statistics) in all { sample(name, ["receiver": receiver.name], Double(value(statistics))) }
    }
    func gauge(_ name: String, _ help: String, _ value: (PushReceiver, PushStatistics) -> Double?) {
      family(name, .gauge, help: help)
      for (receiver, statistics) in all {
        if let value = value(receiver, statistics) { sample(name, ["receiver": receiver.name], value) }
      }
    }
    func seconds(_ milliseconds: Int64?) -> Double { Double(milliseconds ?? 0) / 1000 }
    counter("rollcall_push_samples_sent_total", "Samples that the receiver has taken.") { $0.sent }
    counter("rollcall_push_sent_bytes_total", "Bytes of the requests that the receiver has taken.") { $0.sentBytes }
    counter(
      "rollcall_push_samples_failed_total", "Samples in requests that the receiver refused for good; they are not sent again."
    ) { $0.refused }
    counter(
      "rollcall_push_samples_dropped_total", "Samples that had to go because memory and spool were full, or were damaged on disk."
    ) { $0.dropped }
    counter("rollcall_push_retries_total", "Requests that failed and were or will be tried again.") { $0.retries }
    gauge("rollcall_push_samples_pending", "Samples that wait, in memory or on disk.") { Double($1.waiting) }
    gauge("rollcall_push_memory_bytes", "Bytes of requests that wait in memory.") { Double($1.memoryBytes) }
    gauge("rollcall_push_spool_bytes", "Bytes of requests that wait on disk.") { $0.spoolLimit == nil ? nil : Double($1.spoolBytes) }
    gauge("rollcall_push_spool_limit_bytes", "How many bytes may wait on disk.") { receiver, _ in receiver.spoolLimit.map(Double.init) }
    gauge("rollcall_push_shards", "How many requests may be under way at once.") { Double($1.shards) }
    gauge(
      "rollcall_push_last_success_timestamp_seconds", "When the receiver last took a request, in seconds since 1970; 0 if not yet."
    ) { seconds($1.lastSuccessUnixMilliseconds) }
    gauge(
      "rollcall_push_highest_timestamp_seconds",
      "The time of the newest sample that is to be pushed, in seconds since 1970; 0 before the first."
    ) { seconds($1.newestGiven) }
    gauge(
      "rollcall_push_highest_sent_timestamp_seconds",
      "The time of the newest sample that the receiver has taken, in seconds since 1970; 0 before the first."
    ) { seconds($1.newestSent) }
  }
}
