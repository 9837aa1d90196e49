package import HTTPTransport
internal import JSON
package import KubeClient
package import Logging
internal import Synchronization

/// How the certificates for mutual TLS stand.
package enum CertificateStatus: Hashable, Sendable {
  /// Usable; the controller's certificate ends at this time, in Unix seconds.
  case usable(until: Int64)
  /// Nothing usable yet, or not any more, and why.
  case unusable(String)
}

/// When a certificate of the Secret ends.
package struct CertificateExpiry: Hashable, Sendable {
  /// The member of the Secret that it is in, such as `agent.crt`.
  package var member: String
  /// Unix seconds.
  package var notAfter: Int64

  package init(member: String, notAfter: Int64) {
    self.member = member
    self.notAfter = notAfter
  }
}

/// Keeps the certificates with which controller and agents know each other, in the Secret `rollcall-tls` of our namespace.
///
/// Every replica reads it, over and over; the leader makes it at the first start and renews what is due. A Secret that a user brought is
/// only ever read. What was usable stays in use until something else is.
package final class CertificateManager: Sendable {
  /// How often the Secret is read: while there is nothing usable, and otherwise.
  private static let impatience = Duration.seconds(2)
  private static let patience = Duration.seconds(60)

  private struct State {
    var options: TLSOptions?
    var status = CertificateStatus.unusable("the Secret \(TLSSecret.name) has not been read yet")
    var said: String?
    var expiries: [CertificateExpiry] = []
  }

  private let client: KubeClient
  private let namespace: String
  private let policy: CertificatePolicy
  private let logger: Logger
  private let isLeading: @Sendable () -> Bool
  private let now: @Sendable () -> Int64
  private let state = Mutex(State())

  /// - Parameters:
  ///   - isLeading: asked before every write.
  ///   - now: the time of day in Unix seconds.
  package init(
    client: KubeClient, namespace: String, policy: CertificatePolicy = CertificatePolicy(), logger: Logger,
    isLeading: @escaping @Sendable () -> Bool, now: @escaping @Sendable () -> Int64
  ) {
    self.client = client
    self.namespace = namespace
    self.policy = policy
    self.logger = logger
    self.isLeading = isLeading
    self.now = now
  }

  /// What a request to an agent is to be made with; `nil` while there is nothing usable, and then no request may be made.
  package var tls: TLSOptions? { state.withLock { $0.options } }

  package var status: CertificateStatus { state.withLock { $0.status } }

  /// When the certificates end that were read or written last and were usable.
  package var expiries: [CertificateExpiry] { state.withLock { $0.expiries } }

  /// Reads, and where we lead writes, until the task is cancelled.
  package func run() async {
    while !Task.isCancelled {
      await pass()
      let wait = if case .usable = status { Self.patience } else { Self.impatience }
      // Cancellation ends the sleep; the loop's condition sees it.
      try? await Task.sleep(for: wait)
    }
  }

  /// Reads once, and where we lead writes what is due.
  package func pass() async {
    do {
      try await keep()
    } catch {
      guard !Task.isCancelled else { return }
      note("the Secret \(TLSSecret.name) cannot be kept: \(error)")
    }
  }

  private func keep() async throws {
    let object = try await read()
    let secret = object.map(TLSSecret.init)
    switch CertificatePlan(secret, policy: policy, now: now()) {
    case .use:
      try take(secret)
    case .readOnly(nil):
      try take(secret)
    case .readOnly(let error?):
      note("the Secret \(TLSSecret.name) was not made by Rollcall, so it is left as it is, and cannot be used: \(error)")
    case .create where isLeading():
      let first = try CertificateRenewal.firstSecret(policy: policy, now: now())
      do {
        try await client.create(first.object(namespace: namespace))
        logger.notice("made certificates for controller and agents", metadata: ["secret": "\(namespace)/\(TLSSecret.name)"])
        try take(first)
      } catch let error as KubeError where error.status?.isAlreadyExists == true {
        // Somebody was faster: the next pass reads theirs.
        note("the Secret \(TLSSecret.name) was made by somebody else at the same time")
      }
    case .create:
      note("there is no Secret \(TLSSecret.name) yet; the leader makes it", level: .info)
    case .renew(let renewal) where isLeading():
      guard let secret, let object else { return }
      let renewed = try renewal.carriedOut(on: secret, policy: policy, now: now())
      // Of the version that was read, or not at all: another leader's renewal is not undone.
      var new = object
      new["data"] = renewed.data
      try await client.replace(new)
      logger.notice(
        "renewed certificates",
        metadata: ["secret": "\(namespace)/\(TLSSecret.name)", "why": "\(renewal.reasons.joined(separator: "; "))"])
      try take(renewed)
    case .renew(let renewal):
      // The leader will see to it. Until then what is there may do.
      do { try take(secret) } catch { note("certificates wait for the leader: \(renewal.reasons.joined(separator: "; "))") }
    }
  }

  private func read() async throws(KubeError) -> JSONValue? {
    do {
      return try await client.get(.secrets, name: TLSSecret.name, namespace: namespace)
    } catch {
      guard error.status?.isNotFound == true else { throw error }
      return nil
    }
  }

  /// Puts the Secret to use, if the controller's part of it is sound.
  private func take(_ secret: TLSSecret?) throws(CertificateError) {
    guard let secret else { return }
    let parsed = try ParsedSecret(secret)
    let leaf = try parsed.leaf(.controller, at: now())
    let options = try secret.controllerOptions()
    let until = leaf.notAfter
    let expiries = parsed.expiries
    let wasSaid = state.withLock { state in
      defer { state.said = nil }
      state.options = options
      state.status = .usable(until: until)
      state.expiries = expiries
      return state.said != nil
    }
    if wasSaid { logger.info("certificates are usable", metadata: ["secret": "\(namespace)/\(TLSSecret.name)"]) }
  }

  /// Says a problem once. What was usable stays in use as long as it lasts.
  private func note(_ problem: String, level: Logger.Level = .warning) {
    let isNew = state.withLock { state in
      let now = now()
      if case .usable(let until) = state.status, now < until {} else { state.status = .unusable(problem) }
      defer { state.said = problem }
      return state.said != problem
    }
    if isNew { logger.log(level: level, "certificates are not as they should be", metadata: ["problem": "\(problem)"]) }
  }
}
