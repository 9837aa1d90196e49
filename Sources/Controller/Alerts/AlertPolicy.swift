/// Timing and limits of sending alerts.
package struct AlertPolicy: Hashable, Sendable {
  /// How often a firing alert is sent again. Alertmanager loses its alerts when it restarts without a persistent disk, and resolves those
  /// that are not repeated. 30 s to 3 min are usual; Prometheus uses 1 min. An alert that Alertmanager refuses is tried as often.
  package var resend: Duration
  /// How long an alert stays firing without being repeated (`endsAt`).
  ///
  /// The longest pause that must not resolve it is the loss of the node of the only replica, with the tolerations that Kubernetes adds:
  /// `resend` since the last request, 50 s until the node is marked (`--node-monitor-grace-period`), 300 s until its pods are evicted, and
  /// about a minute to start another replica that leads: 470 s. The rule `RollcallControllerAbsent` fires before the alerts end.
  package var lifetime: Duration
  /// Total time of one request.
  package var deadline: Duration
  /// Alerts per request, about 300 KB.
  package var batch: Int
  /// Maximum number of firing alerts; one further alert counts the rest. An Alertmanager easily takes 10,000 alerts a minute, and nobody
  /// reads more.
  package var maximumAlerts: Int
  /// How long to wait for further gaps before sending.
  package var gather: Duration
  /// The wait after the first failure and the longest wait. With the timeout for connecting, a new gap is delivered within 15 s after the
  /// end of an outage; a request every few seconds costs little.
  package var backoff: ClosedRange<Duration>

  package init(
    resend: Duration = .seconds(60), lifetime: Duration? = nil, deadline: Duration = .seconds(10), batch: Int = 256,
    maximumAlerts: Int = 10_000, gather: Duration = .milliseconds(500), backoff: ClosedRange<Duration> = .seconds(1)...(.seconds(5))
  ) {
    self.resend = resend
    self.lifetime = lifetime ?? resend * 10
    self.deadline = deadline
    self.batch = batch
    self.maximumAlerts = maximumAlerts
    self.gather = gather
    self.backoff = backoff
  }
}
