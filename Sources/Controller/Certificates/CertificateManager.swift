internal import AsyncPrimitives
package import HTTPTransport
internal import JSON
package import KubeClient
package import Logging
internal import Roll
internal import Synchronization

/// The state of the certificates for mutual TLS.
package struct CertificateStatus: Hashable, Sendable {
  package enum Validity: Hashable, Sendable {
    /// Usable; the controller's certificate expires at this time, in Unix seconds.
    case usable(until: Int64)
    /// Not usable yet, or no longer. Holds the reason.
    case unusable(String)
  }

  package var validity: Validity
  /// Expiry of the certificates that were last in use.
  package var expiries: [CertificateExpiry]
}

/// When a certificate of the Secret expires.
package struct CertificateExpiry: Hashable, Sendable {
  /// The key in the Secret, such as `agent.crt`.
  package var member: String
  /// Unix seconds.
  package var notAfter: Int64

  package init(member: String, notAfter: Int64) {
    self.member = member
    self.notAfter = notAfter
  }
}

/// Manages the certificates for mutual TLS between controller and agents, in the Secret `rollcall-tls` of our namespace.
///
/// Every replica watches the Secret, and reads it now and then. The leader creates it at first start and renews certificates that are due.
/// A Secret that was deleted comes back with the same certificates, which every replica holds (R84). A user-provided Secret is only read.
/// Usable certificates stay in use until replaced by other usable ones.
package final class CertificateManager: Sendable {
  /// How often the Secret is read: without and with a usable certificate.
  private static let shortInterval = Duration.seconds(2)
  private static let longInterval = Duration.seconds(60)

  private struct State {
    var options: TLSOptions?
    /// The Secret in use, if it is ours.
    var secret: TLSSecret?
    var status = CertificateStatus(
      validity: .unusable("the Secret \(TLSSecret.name) has not been read yet"), expiries: [])
    /// The last logged problem, if it persists.
    var problem: String?
  }

  private let client: KubeClient
  private let namespace: String
  private let policy: CertificatePolicy
  private let logger: Logger
  private let isLeading: @Sendable () -> Bool
  private let time: any TimeSource
  private let port: PortCertificates?
  private let watch: ObjectWatch
  private let state = Mutex(State())

  /// - Parameters:
  ///   - port: told of the authority, to issue the certificate of our own port; `nil` if there is none to issue.
  ///   - isLeading: checked before every write.
  package init(
    client: KubeClient, namespace: String, policy: CertificatePolicy = CertificatePolicy(), port: PortCertificates? = nil,
    time: any TimeSource, logger: Logger, isLeading: @escaping @Sendable () -> Bool
  ) {
    self.client = client
    self.namespace = namespace
    self.policy = policy
    self.port = port
    self.logger = logger
    self.isLeading = isLeading
    self.time = time
    watch = ObjectWatch(.secrets, namespace: namespace, name: TLSSecret.name, client: client, logger: logger)
  }

  /// TLS options for requests to agents; `nil` while no certificate is usable. No agent may be called without them.
  package var tls: TLSOptions? { state.withLock { $0.options } }

  /// In Unix seconds.
  private var now: Int64 { time.reading().unixMilliseconds / 1000 }

  /// Runs until the task is cancelled.
  package func run() async {
    let wakeup = Wakeup()
    await withTaskGroup { group in
      group.addTask { await self.watch.run { _ in wakeup.signal() } }
      while !Task.isCancelled {
        await pass()
        let interval = if case .usable = status.validity { Self.longInterval } else { Self.shortInterval }
        _ = await wakeup.wait(until: time.now + interval, time: time)
      }
    }
  }

  /// Reads the Secret once, and on the leader writes it if a change is due.
  package func pass() async {
    do {
      try await reconcile()
    } catch {
      guard !Task.isCancelled else { return }
      note("cannot reconcile the Secret \(TLSSecret.name): \(error)")
    }
  }

  private func reconcile() async throws {
    let object = try await read()
    let secret = object.map(TLSSecret.init)
    switch CertificatePlan(secret, policy: policy, now: now) {
    case .use:
      try use(secret)
    case .readOnly(nil):
      try use(secret)
    case .readOnly(let error?):
      note("the Secret \(TLSSecret.name) was not created by Rollcall, is left unchanged and cannot be used: \(error)")
    case .create where isLeading():
      let lost = state.withLock { $0.secret }
      let new = try CertificateRenewal.newSecret(from: lost, policy: policy, now: now)
      do {
        try await client.create(new.object(namespace: namespace))
        logger.notice(
          lost == nil ? "created certificates for controller and agents" : "created the deleted certificates again",
          metadata: ["secret": "\(namespace)/\(TLSSecret.name)"])
        try use(new)
      } catch let error as KubeError where error.status?.isAlreadyExists == true {
        // Another replica created it first; the next pass reads it.
        note("the Secret \(TLSSecret.name) was created by another replica at the same time")
      }
    case .create:
      note("the Secret \(TLSSecret.name) does not exist yet; the leader will create it", level: .info)
    case .renew(let renewal) where isLeading():
      guard let secret, let object else { return }
      let renewed = try renewal.applied(to: secret, policy: policy, now: now)
      // Replaces only the version that was read, so that another leader's renewal is not undone.
      var new = object
      new["data"] = renewed.data
      try await client.replace(new)
      logger.notice(
        "renewed certificates",
        metadata: ["secret": "\(namespace)/\(TLSSecret.name)", "why": "\(renewal.reasons.joined(separator: "; "))"])
      try use(renewed)
    case .renew(let renewal):
      // The leader renews it. Until then the present certificates may still be usable.
      do { try use(secret) } catch { note("certificates must be renewed by the leader: \(renewal.reasons.joined(separator: "; "))") }
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

  /// Puts the Secret into use if its controller certificate is valid.
  private func use(_ secret: TLSSecret?) throws(CertificateError) {
    guard let secret else { return }
    let parsed = try ParsedSecret(secret)
    if let port {
      if parsed.authorityKey == nil { port.missAuthority() }
      if let authority = try? parsed.authority(at: now) { try port.renew(by: authority, trusted: parsed.authorities, now: now) }
    }
    let leaf = try parsed.leaf(.controller, at: now)
    let options = try secret.controllerOptions()
    let status = CertificateStatus(validity: .usable(until: leaf.notAfter), expiries: parsed.expiries)
    let hadProblem = state.withLock { state in
      defer { state.problem = nil }
      state.options = options
      state.secret = secret.isOurs ? secret : nil
      state.status = status
      return state.problem != nil
    }
    if hadProblem { logger.info("certificates are usable", metadata: ["secret": "\(namespace)/\(TLSSecret.name)"]) }
  }

  /// Logs a problem once. Usable certificates stay in use until they expire.
  private func note(_ problem: String, level: Logger.Level = .warning) {
    let now = now
    let isNew = state.withLock { state in
      if case .usable(let until) = state.status.validity, now < until {} else { state.status.validity = .unusable(problem) }
      defer { state.problem = problem }
      return state.problem != problem
    }
    if isNew { logger.log(level: level, "certificate problem", metadata: ["problem": "\(problem)"]) }
  }
}

extension CertificateManager: StatusSource {
  package var status: CertificateStatus { state.withLock { $0.status } }
}
