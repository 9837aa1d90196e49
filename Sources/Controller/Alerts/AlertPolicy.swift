/// When alerts are sent.
package struct AlertPolicy: Hashable, Sendable {
  /// Between two sendings of an alert that goes on. Alertmanager forgets alerts when it restarts without its disk, and ends those that it
  /// has not heard of: between 30 s and 3 min are usual, Prometheus takes 1 min.
  package var resend: Duration
  /// How long an alert is to be taken for firing without another word: as many intervals as Prometheus gives, so that a restart or a
  /// change of leader does not end it.
  package var lifetime: Duration
  /// The whole of one request.
  package var deadline: Duration
  /// Alerts a request: about 300 KB, and what one refused request costs.
  package var batch: Int
  /// So many gaps have an alert each, the others are counted in one more. Ten thousand alerts are what an Alertmanager takes without
  /// effort once a minute, and more than anybody reads.
  package var maximumGaps: Int
  /// How long gaps that open one after the other are gathered.
  package var gather: Duration
  /// The first wait after a failure; it doubles with each up to `resend`.
  package var firstBackoff: Duration

  package init(
    resend: Duration = .seconds(60), lifetime: Duration? = nil, deadline: Duration = .seconds(10), batch: Int = 256,
    maximumGaps: Int = 10_000, gather: Duration = .milliseconds(500), firstBackoff: Duration = .seconds(1)
  ) {
    self.resend = resend
    self.lifetime = lifetime ?? resend * 4
    self.deadline = deadline
    self.batch = batch
    self.maximumGaps = maximumGaps
    self.gather = gather
    self.firstBackoff = firstBackoff
  }
}
