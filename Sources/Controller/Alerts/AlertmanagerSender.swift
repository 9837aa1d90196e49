internal import AsyncPrimitives
internal import Collector
package import HTTPTransport
internal import JSON
package import KubeClient
package import Logging
package import Primitives
package import Roll
internal import Synchronization

/// Sends alerts about the open gaps to every Alertmanager, repeatedly, and the end of each alert until it is accepted (R65).
///
/// Each Alertmanager has its own loop and state: one that is down does not delay the others, and is sent everything once it is back.
package final class AlertmanagerSender: Sendable {
  /// How often names are looked up: an Alertmanager that moved gets new gaps within seconds, as `AlertPolicy.backoff` has it.
  private static let lookupInterval: Duration = .seconds(5)
  /// The longest time to send before the alerts are read again, so that a new one need not wait until all others have been sent.
  private static let turn: Duration = .seconds(5)
  /// How often a sender that may not send asks whether it may.
  private static let poll: Duration = .milliseconds(250)
  /// Refused alerts logged at a time. A proxy may refuse everything.
  private static let loggedRefusals = 10

  private let endpoints: [AlertmanagerMembers]
  private let tls: TLSOptions
  private let headersFile: HeadersFile?
  private let externalLabels: [String: String]
  private let shard: String?
  private let runbooks: Runbooks
  private let policy: AlertPolicy
  private let transport: HTTPTransport
  private let logger: Logger
  private let time: any TimeSource
  private let addresses: @Sendable (String) async throws -> [IPAddress]
  private let maySend: @Sendable () -> Bool
  private let gaps: @Sendable (Moment) -> any Sequence<NodeGaps>
  private let workload: @Sendable (ContainerReference) -> Workload?
  /// Shared, so that all Alertmanagers get the same alerts.
  private let grouping = Mutex(AlertGrouping())
  /// The alerts that an earlier leader may have sent; `nil` until they are known.
  private let inherited = Mutex<[Alert]?>(nil)

  /// - Parameters:
  ///   - addresses: looks up a name.
  ///   - maySend: false while another replica may lead unnoticed, whose ended alerts would begin again.
  ///   - gaps: every open gap, in a stable order. A gap that is no longer among them has ended.
  ///   - workload: the workload of a container's pod.
  package init(
    settings: AlertmanagerSettings, policy: AlertPolicy = AlertPolicy(), transport: HTTPTransport, time: any TimeSource, logger: Logger,
    addresses: @escaping @Sendable (String) async throws -> [IPAddress] = { try await NameLookup.addresses(of: $0) },
    maySend: @escaping @Sendable () -> Bool = { true }, gaps: @escaping @Sendable (Moment) -> any Sequence<NodeGaps>,
    workload: @escaping @Sendable (ContainerReference) -> Workload?
  ) {
    endpoints = settings.urls.map(AlertmanagerMembers.init)
    tls = settings.tls
    headersFile = settings.headersFile.map { HeadersFile(path: $0) }
    externalLabels = settings.externalLabels
    shard = settings.shard
    runbooks = settings.runbooks
    self.policy = policy
    self.transport = transport
    self.logger = logger
    self.time = time
    self.addresses = addresses
    self.maySend = maySend
    self.gaps = gaps
    self.workload = workload
  }

  /// Sends at once. Called when a gap has opened, has closed, or has a new reason.
  package func gapsChanged() {
    for endpoint in endpoints { endpoint.signal() }
  }

  /// The groups of gaps that have one alert.
  var groups: AlertGroups { grouping.withLock { $0.groups } }

  /// Takes over the groups and gaps of an earlier leader: the alerts on gaps that have closed are ended.
  /// - Parameter restore: restores the gaps. No alerts are computed while it runs, since a group needs its gaps.
  func takeOver(_ groups: AlertGroups, _ restore: () -> Ledger) -> Ledger {
    let ledger = grouping.withLock { grouping in
      grouping = AlertGrouping()
      grouping.takeOver(groups)
      return restore()
    }
    let alerts = AlertGrouping.possibleAlerts(for: ledger.gapsByNode().joined(), workload: workload)
    inherited.withLock { $0 = alerts }
    gapsChanged()
    return ledger
  }

  /// Sends until the task is cancelled. Runs on the leader only. Alerts of an earlier leader that `takeOver` does not know expire if they
  /// are not repeated.
  package func run() async {
    await withTaskGroup(of: Void.self) { group in
      for endpoint in endpoints { group.addTask { await self.serve(endpoint) } }
    }
    // The groups stay for the archive, which is written last.
    inherited.withLock { $0 = nil }
    // Only the leader has a status.
    for endpoint in endpoints { _ = endpoint.set([]) }
  }

  // MARK: Addresses

  /// Follows the addresses of a name, and sends to each.
  private func serve(_ endpoint: AlertmanagerMembers) async {
    let isName = endpoint.url.hasName
    await withDiscardingTaskGroup { group in
      repeat {
        do {
          let found = isName ? try await addresses(endpoint.url.host).map(\.description) : [endpoint.url.host]
          for member in endpoint.set(found) { group.addTask { await self.serve(member, of: endpoint) } }
        } catch {
          guard !Task.isCancelled else { return }
          if endpoint.failed("\(error)") {
            logger.warning("cannot look up Alertmanager; retrying", metadata: ["url": "\(endpoint.url)", "error": "\(error)"])
          }
        }
        if isName { await time.pause(for: Self.lookupInterval) }
      } while isName && !Task.isCancelled
    }
  }

  // MARK: One Alertmanager

  private func serve(_ member: AlertmanagerMember, of endpoint: AlertmanagerMembers) async {
    var state = AlertmanagerState(policy: policy, externalLabels: externalLabels, shard: shard, runbooks: runbooks)
    var backoff = Backoff(policy.backoff)
    var hasTakenOver = false
    while !Task.isCancelled, !member.isGone {
      guard maySend() else {
        await time.pause(for: Self.poll)
        continue
      }
      let reading = time.reading()
      let (alerts, nextChange, isWaiting) = alerts(at: reading.moment)
      // A waiting gap has no alert here yet, and must not end the alert of the earlier leader.
      if !hasTakenOver, !isWaiting, let inherited = inherited.withLock({ $0 }) {
        state.takeOver(inherited, at: reading.moment)
        hasTakenOver = true
      }
      state.update(alerts: alerts, at: reading)
      // Reading very many gaps takes a while: limit it to a tenth of the time.
      let gather = max(policy.gather, (time.now - reading.moment) * 10)
      let leftOut = state.leftOut
      member.update { $0.leftOut = leftOut }
      do {
        let isComplete = try await send(&state, to: member, of: endpoint)
        backoff.succeeded()
        guard isComplete else { continue }
        let due = time.now + (state.untilDue(at: time.now) ?? policy.resend)
        if await member.wakeup.wait(until: min(due, nextChange ?? due), time: time) {
          // Gaps that open together are sent together.
          await time.pause(for: gather)
        }
      } catch {
        guard !Task.isCancelled, !member.isGone else { return }
        failed(member, of: endpoint, error)
        await time.pause(for: backoff.failed())
      }
    }
  }

  private func alerts(at now: Moment) -> ([Alert], nextChange: Moment?, isWaiting: Bool) {
    grouping.withLock { grouping in
      (grouping.alerts(for: gaps(now), at: now, workload: workload), grouping.nextChange, grouping.isWaiting)
    }
  }

  /// Sends what is due, until it is time to read the alerts again.
  /// - Returns: whether everything was sent.
  private func send(
    _ state: inout AlertmanagerState, to member: AlertmanagerMember, of endpoint: AlertmanagerMembers
  ) async throws -> Bool {
    let end = time.now + Self.turn
    var logged = 0
    while let batch = state.nextBatch(at: time.now) {
      let response = try await post(batch.alerts.bytes, to: member, of: endpoint)
      let received = time.reading()
      switch response.status {
      case 200..<300:
        let date = response.header("Date").flatMap { Timestamp(httpDate: $0)?.unixMilliseconds } ?? received.unixMilliseconds
        state.accepted(batch, date: date, at: received.moment)
        succeeded(member, count: batch.count)
      case let status where Self.isAboutContent(status):
        if let (alert, isFirst) = state.refused(batch, at: received.moment) {
          member.update { $0.refused += 1 }
          guard isFirst, logged < Self.loggedRefusals else { continue }
          logged += 1
          logRefusal(of: alert, response, by: member)
        }
      default: throw AlertingError(refusedBy: response)
      }
      if !state.isSplitting, time.now >= end { return false }
    }
    return true
  }

  /// Whether a response with this status may be due to single alerts, and not to the URL, the credentials or the load.
  private static func isAboutContent(_ status: Int) -> Bool {
    (400..<500).contains(status) && ![401, 404, 405, 407, 408, 421, 425, 429].contains(status)
  }

  private func post(_ body: [UInt8], to member: AlertmanagerMember, of endpoint: AlertmanagerMembers) async throws -> HTTPResponse {
    var request = HTTPRequest(
      method: "POST", url: endpoint.url.alerts, headers: [HTTPHeader("Content-Type", "application/json")], body: body,
      deadline: policy.deadline)
    do throws(Miss) {
      request.headers += try headersFile?.headers() ?? []
    } catch {
      throw AlertingError.headers(error.detail)
    }
    if endpoint.url.hasName { request.connectTo = ConnectTo(host: member.address, port: endpoint.url.port) }
    request.tls = tls
    request.needsOnlyStatus = true
    request.maximumBodyBytes = 64 << 10
    return try await transport.send(request)
  }

  // MARK: Status

  private func succeeded(_ member: AlertmanagerMember, count: Int) {
    let wasDown = member.update { status in
      defer { status.problem = nil }
      status.sent += count
      return status.problem != nil
    }
    if wasDown { logger.info("Alertmanager accepts alerts again", metadata: metadata(member)) }
  }

  private func logRefusal(of alert: Alert, _ response: HTTPResponse, by member: AlertmanagerMember) {
    var metadata = metadata(member)
    metadata["alert"] = "\(alert.key.text)"
    metadata["error"] = "\(AlertingError(refusedBy: response))"
    logger.warning("Alertmanager refuses an alert; it is tried again, and all others are sent", metadata: metadata)
  }

  private func failed(_ member: AlertmanagerMember, of endpoint: AlertmanagerMembers, _ error: any Error) {
    guard !endpoint.isAlternative(member) else { return }
    let problem = "\(error)"
    let wasUp = member.update { status in
      defer { status.problem = problem }
      status.failures += 1
      return status.problem == nil
    }
    if wasUp {
      logger.warning(
        "cannot send alerts; retrying", metadata: metadata(member).merging(["error": "\(problem)"], uniquingKeysWith: { first, _ in first })
      )
    }
  }

  private func metadata(_ member: AlertmanagerMember) -> Logger.Metadata {
    ["url": "\(member.status.url)", "address": "\(member.address)"]
  }
}

extension AlertmanagerSender: StatusSource {
  package var status: [AlertmanagerStatus] { endpoints.flatMap(\.statuses) }
}

extension AlertingError {
  fileprivate init(refusedBy response: HTTPResponse) {
    self = .refused(status: response.status, body: String(decoding: response.body.prefix(200), as: UTF8.self))
  }
}
