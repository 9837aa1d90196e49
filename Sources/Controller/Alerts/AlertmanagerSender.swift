internal import AsyncPrimitives
package import HTTPTransport
internal import JSON
package import Logging
internal import Primitives
internal import Roll
internal import Synchronization

/// The state of sending to one Alertmanager.
package struct AlertmanagerStatus: Hashable, Sendable {
  /// Without user and password.
  package var url: String
  /// Alerts accepted, repeats included.
  package var sent = 0
  /// Gaps without an alert of their own, because there are too many.
  package var leftOut = 0
  /// Requests that failed.
  package var failures = 0
  /// Why the last request failed; `nil` if it succeeded.
  package var problem: String?
}

/// Sends the open gaps to every Alertmanager, repeatedly, and the end of each gap until it is accepted (R65).
///
/// Each Alertmanager has its own loop and state: one that is down does not delay the others, and is sent everything once it is back.
package final class AlertmanagerSender: Sendable {
  private let posts: [AlertmanagerPost]
  private let policy: AlertPolicy
  private let transport: HTTPTransport
  private let logger: Logger
  private let time: any TimeSource
  private let gaps: @Sendable () -> any Sequence<Gap>

  /// - Parameters:
  ///   - gaps: every open gap, in a stable order. A gap that is no longer among them has ended.
  package init(
    urls: [AlertmanagerURL], policy: AlertPolicy = AlertPolicy(), transport: HTTPTransport, time: any TimeSource, logger: Logger,
    gaps: @escaping @Sendable () -> any Sequence<Gap>
  ) {
    posts = urls.map(AlertmanagerPost.init)
    self.policy = policy
    self.transport = transport
    self.logger = logger
    self.time = time
    self.gaps = gaps
  }

  /// Sends at once. Called when a gap has opened, has closed, or has a new reason.
  package func gapsChanged() {
    for post in posts { post.wakeup.signal() }
  }

  /// Sends until the task is cancelled. Runs on the leader only; alerts of an earlier leader expire if they are not repeated.
  package func run() async {
    await withTaskGroup(of: Void.self) { group in
      for post in posts { group.addTask { await self.serve(post) } }
    }
  }

  private func serve(_ post: AlertmanagerPost) async {
    var state = AlertmanagerState(policy: policy)
    var backoff = Backoff(min(policy.firstBackoff, policy.resend)...policy.resend)
    while !Task.isCancelled {
      let reading = time.reading()
      state.update(gaps: gaps(), at: reading)
      // Reading very many gaps takes a while: limit it to a tenth of the time.
      let gather = max(policy.gather, (time.now - reading.moment) * 10)
      let leftOut = state.leftOut
      post.status.withLock { $0.leftOut = leftOut }
      do {
        while let batch = state.nextBatch(at: reading) {
          try await send(batch, to: post)
          state.accepted(batch, at: reading.moment)
          succeeded(post, count: batch.count)
        }
        backoff.succeeded()
        if await post.wakeup.wait(until: time.now + (state.untilDue(at: reading.moment) ?? policy.resend), time: time) {
          // Gaps that open together are sent together. Cancellation ends the sleep; the loop's condition sees it.
          try? await time.sleep(for: gather)
        }
      } catch {
        guard !Task.isCancelled else { return }
        failed(post, error)
        // Cancellation ends the sleep; the loop's condition sees it.
        try? await time.sleep(for: backoff.failed())
      }
    }
  }

  private func send(_ batch: AlertmanagerState.Batch, to post: AlertmanagerPost) async throws {
    var request = HTTPRequest(
      method: "POST", url: post.url.alerts, headers: [HTTPHeader("Content-Type", "application/json")], body: batch.alerts.bytes,
      deadline: policy.deadline)
    request.maximumBodyBytes = 64 << 10
    let response = try await transport.send(request)
    guard (200..<300).contains(response.status) else {
      throw AlertingError.refused(status: response.status, body: String(decoding: response.body.prefix(200), as: UTF8.self))
    }
  }

  private func succeeded(_ post: AlertmanagerPost, count: Int) {
    let wasDown = post.status.withLock { status in
      defer { status.problem = nil }
      status.sent += count
      return status.problem != nil
    }
    if wasDown { logger.info("Alertmanager accepts alerts again", metadata: ["alertmanager": "\(post.url)"]) }
  }

  private func failed(_ post: AlertmanagerPost, _ error: any Error) {
    let problem = "\(error)"
    let wasUp = post.status.withLock { status in
      defer { status.problem = problem }
      status.failures += 1
      return status.problem == nil
    }
    if wasUp {
      logger.warning(
        "cannot send alerts; retrying", metadata: ["alertmanager": "\(post.url)", "error": "\(problem)"])
    }
  }
}

extension AlertmanagerSender: StatusSource {
  package var status: [AlertmanagerStatus] {
    posts.map { post in post.status.withLock { $0 } }
  }
}

/// One Alertmanager.
private final class AlertmanagerPost: Sendable {
  let url: AlertmanagerURL
  let wakeup = Wakeup()
  let status: Mutex<AlertmanagerStatus>

  init(url: AlertmanagerURL) {
    self.url = url
    status = Mutex(AlertmanagerStatus(url: url.description))
  }
}

/// Timing and limits of sending.
package struct AlertPolicy: Hashable, Sendable {
  /// How often a firing alert is sent again. Alertmanager loses its alerts when it restarts without a persistent disk, and resolves those
  /// that are not repeated. 30 s to 3 min are usual; Prometheus uses 1 min.
  package var resend: Duration
  /// How long an alert stays firing without being repeated (`endsAt`). Four times `resend`, as in Prometheus, so that a restart or a
  /// change of leader does not resolve it.
  package var lifetime: Duration
  /// Total time of one request.
  package var deadline: Duration
  /// Alerts per request, about 300 KB. A refused request fails as a whole.
  package var batch: Int
  /// Maximum number of gaps with an alert of their own; one further alert counts the rest. An Alertmanager easily takes 10,000 alerts a
  /// minute, and nobody reads more.
  package var maximumGaps: Int
  /// How long to wait for further gaps before sending.
  package var gather: Duration
  /// The wait after the first failure; it doubles with each further one, up to `resend`.
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
