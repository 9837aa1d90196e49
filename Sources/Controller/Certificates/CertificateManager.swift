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

/// When a certificate of the Secrets expires.
package struct CertificateExpiry: Hashable, Sendable {
  /// The key in its Secret, such as `agent.crt`.
  package var member: String
  /// Unix seconds.
  package var notAfter: Int64

  package init(member: String, notAfter: Int64) {
    self.member = member
    self.notAfter = notAfter
  }
}

/// Manages the certificates for mutual TLS between controller and agents, in two Secrets (`TLSSecretPart`).
///
/// Every replica watches the Secrets, and reads them now and then. The leader creates them at first start, renews certificates that are
/// due, and moves the keys of a version that had one Secret. A Secret that was deleted comes back with the same certificates, which every
/// replica holds (R84). User-provided Secrets are only read. Usable certificates stay in use until replaced by other usable ones.
package final class CertificateManager: Sendable {
  /// How often the Secrets are read: while there is no usable certificate or the leader has to write, and otherwise.
  private static let shortInterval = Duration.seconds(2)
  private static let longInterval = Duration.seconds(60)

  private struct State {
    var options: TLSOptions?
    /// The certificates in use, if they are ours.
    var secret: TLSSecret?
    /// Whether the leader has to write a Secret, and this replica, which does not lead, may be the next one.
    var isWriteDue = false
    var status = CertificateStatus(validity: .unusable("the Secrets \(TLSSecret.names) have not been read yet"), expiries: [])
    /// The last logged problem, if it persists.
    var problem: String?
  }

  private let client: KubeClient
  private let namespace: String
  private let agentNamespace: String
  private let policy: CertificatePolicy
  private let logger: Logger
  private let isLeading: @Sendable () -> Bool
  private let time: any TimeSource
  private let port: PortCertificates?
  private let watches: [ObjectWatch]
  private let state = Mutex(State())

  /// - Parameters:
  ///   - namespace: ours, of the Secret with the keys of the authority and the controller.
  ///   - agentNamespace: of the Secret that the agents mount; `nil` for ours.
  ///   - port: told of the authority, to issue the certificate of our own port; `nil` if there is none to issue.
  ///   - isLeading: asked once in each pass, before it writes.
  package init(
    client: KubeClient, namespace: String, agentNamespace: String? = nil, policy: CertificatePolicy = CertificatePolicy(),
    port: PortCertificates? = nil, time: any TimeSource, logger: Logger, isLeading: @escaping @Sendable () -> Bool
  ) {
    self.client = client
    let agentNamespace = agentNamespace ?? namespace
    self.namespace = namespace
    self.agentNamespace = agentNamespace
    self.policy = policy
    self.port = port
    self.logger = logger
    self.isLeading = isLeading
    self.time = time
    watches = TLSSecretPart.allCases.map {
      ObjectWatch(
        .secrets, namespace: $0.namespace(own: namespace, agents: agentNamespace), name: $0.name, client: client, logger: logger)
    }
  }

  /// TLS options for requests to agents; `nil` while no certificate is usable. No agent may be called without them.
  package var tls: TLSOptions? { state.withLock { $0.options } }

  /// In Unix seconds.
  private var now: Int64 { time.reading().unixMilliseconds / 1000 }

  /// Runs until the task is cancelled.
  package func run() async {
    let wakeup = Wakeup()
    await withTaskGroup { group in
      for watch in self.watches { group.addTask { await watch.run { _ in wakeup.signal() } } }
      while !Task.isCancelled {
        await pass()
        _ = await wakeup.wait(until: time.now + interval, time: time)
      }
    }
  }

  private var interval: Duration {
    state.withLock { state in
      if case .usable = state.status.validity, !state.isWriteDue { Self.longInterval } else { Self.shortInterval }
    }
  }

  /// Reads the Secrets once, and on the leader writes them if a change is due.
  package func pass() async {
    do {
      try await reconcile()
    } catch {
      guard !Task.isCancelled else { return }
      note("cannot reconcile the Secrets \(TLSSecret.names): \(error)")
    }
  }

  private func reconcile() async throws {
    let objects = try await read()
    let last = state.withLock { $0.secret }
    var secret = TLSSecret(objects)
    if secret?.isOurs == true, let last {
      for part in TLSSecretPart.allCases where objects[part] == nil { secret?.restore(part, from: last) }
    }
    let plan = CertificatePlan(secret, policy: policy, now: now)
    // Once for the pass: a replica that begins to lead in the middle has not written what is due.
    let leads = isLeading()
    defer { noteDue(plan, secret, objects, leads: leads) }
    switch plan {
    case .use:
      guard let secret else { return }
      try use(secret)
      if leads { try await write(secret, over: objects, why: []) }
    case .readOnly(nil):
      try use(secret)
    case .readOnly(let error?):
      note("the Secrets \(TLSSecret.names) were not created by Rollcall, are left unchanged and cannot be used: \(error)")
    case .create where leads:
      let new = try CertificateRenewal.newSecret(from: last, policy: policy, now: now)
      try await write(new, over: objects, why: [])
      try use(new)
    case .create:
      note("the Secrets \(TLSSecret.names) do not exist yet; the leader will create them", level: .info)
    case .renew(let renewal) where leads:
      guard let secret else { return }
      let renewed = try renewal.applied(to: secret, policy: policy, now: now)
      try await write(renewed, over: objects, why: renewal.reasons)
      try use(renewed)
    case .renew(let renewal):
      // The leader renews them. Until then the present certificates may still be usable.
      do { try use(secret) } catch { note("certificates must be renewed by the leader: \(renewal.reasons.joined(separator: "; "))") }
    }
  }

  /// Notes whether the next leader has to write.
  private func noteDue(_ plan: CertificatePlan, _ secret: TLSSecret?, _ objects: [TLSSecretPart: JSONValue], leads: Bool) {
    let isDue =
      switch plan {
      case .create, .renew: true
      case .readOnly: false
      case .use: TLSSecretPart.allCases.contains { part in secret.map { objects[part]?["data"] != $0.data(of: part) } ?? false }
      }
    state.withLock { $0.isWriteDue = isDue && !leads }
  }

  /// The Secrets that exist.
  private func read() async throws -> [TLSSecretPart: JSONValue] {
    var objects: [TLSSecretPart: JSONValue] = [:]
    objects[.agents] = try await read(.agents)
    do throws(KubeError) {
      objects[.authority] = try await read(.authority)
    } catch {
      // A role of a version that had one Secret. Its certificates remain usable, and everything stays in it until the role is replaced.
      if error.status?.code == 403, tls == nil, let secret = TLSSecret(objects) { try? use(secret) }
      throw error
    }
    return objects
  }

  private func read(_ part: TLSSecretPart) async throws(KubeError) -> JSONValue? {
    do {
      return try await client.get(.secrets, name: part.name, namespace: self.namespace(of: part))
    } catch {
      guard error.status?.isNotFound == true else { throw error }
      return nil
    }
  }

  private func namespace(of part: TLSSecretPart) -> String { part.namespace(own: namespace, agents: agentNamespace) }

  /// Writes the Secrets that differ from what was read.
  /// - Parameter why: the reasons of a renewal.
  private func write(_ secret: TLSSecret, over objects: [TLSSecretPart: JSONValue], why: [String]) async throws {
    for part in TLSSecretPart.allCases {
      let namespace = namespace(of: part)
      let metadata: Logger.Metadata = ["secret": "\(namespace)/\(part.name)", "reason": "\(why.joined(separator: "; "))"]
      guard var object = objects[part] else {
        // Fails if another replica has created it at the same time; the next pass reads it.
        try await client.create(secret.object(part, namespace: namespace))
        logger.notice("created a Secret with certificates", metadata: metadata)
        continue
      }
      let data = secret.data(of: part)
      guard object["data"] != data else { continue }
      // Replaces only the version that was read, so that another leader's renewal is not undone.
      object["data"] = data
      try await client.replace(object)
      logger.notice("replaced the certificates in a Secret", metadata: metadata)
    }
  }

  /// Puts the certificates into use if the controller's is valid.
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
    if hadProblem { logger.info("certificates are usable", metadata: ["namespace": "\(namespace)"]) }
  }

  /// Logs a problem once. Usable certificates stay in use until they expire.
  private func note(_ problem: String, level: Logger.Level = .warning) {
    let now = now
    let isNew = state.withLock { state in
      if case .usable(let until) = state.status.validity, now < until {} else { state.status.validity = .unusable(problem) }
      defer { state.problem = problem }
      return state.problem != problem
    }
    if isNew { logger.log(level: level, "certificate problem", metadata: ["error": "\(problem)"]) }
  }
}

extension CertificateManager: StatusSource {
  package var status: CertificateStatus { state.withLock { $0.status } }
}
