internal import Exposition
internal import Push

extension ExpositionWriter {
  /// Writes the state of the push receivers.
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
    counter("rollcall_push_samples_sent_total", "Samples accepted by the receiver.") { $0.sent }
    counter("rollcall_push_sent_bytes_total", "Bytes of the requests accepted by the receiver.") { $0.sentBytes }
    counter(
      "rollcall_push_samples_failed_total", "Samples in requests that the receiver refused permanently; they are not retried."
    ) { $0.refused }
    counter(
      "rollcall_push_samples_dropped_total", "Samples dropped because memory and spool were full, or because they were damaged on disk."
    ) { $0.dropped }
    counter("rollcall_push_retries_total", "Failed requests that were or will be retried.") { $0.retries }
    gauge("rollcall_push_samples_pending", "Samples pending in memory or on disk.") { Double($1.waiting) }
    gauge("rollcall_push_memory_bytes", "Bytes of requests pending in memory.") { Double($1.memoryBytes) }
    gauge("rollcall_push_spool_bytes", "Bytes of requests pending on disk.") { $0.spoolLimit == nil ? nil : Double($1.spoolBytes) }
    gauge("rollcall_push_spool_limit_bytes", "Maximum bytes of requests pending on disk.") { receiver, _ in
      receiver.spoolLimit.map(Double.init)
    }
    gauge("rollcall_push_shards", "Number of concurrent requests.") { Double($1.shards) }
    gauge(
      "rollcall_push_last_success_timestamp_seconds", "When the receiver last accepted a request, in seconds since 1970; 0 if never."
    ) { seconds($1.lastSuccessUnixMilliseconds) }
    gauge(
      "rollcall_push_highest_timestamp_seconds",
      "Timestamp of the newest sample queued for the receiver, in seconds since 1970; 0 if none."
    ) { seconds($1.newestGiven) }
    gauge(
      "rollcall_push_highest_sent_timestamp_seconds",
      "Timestamp of the newest sample accepted by the receiver, in seconds since 1970; 0 if none."
    ) { seconds($1.newestSent) }
  }
}
