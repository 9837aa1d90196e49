internal import X509

/// The action to take on the Secrets with the certificates. Pure: depends on the Secrets and the time only.
///
/// How a CA is replaced without interrupting the calls to agents:
/// 1. After two thirds of its lifetime, a new CA is prepended to `ca.crt`, and its key replaces `ca.key`. The old key is gone; certificates
///    that it signed are still trusted. The new CA signs nothing yet.
/// 2. A day later every agent has the bundle with both CAs. The new CA issues new leaf certificates; both sides trust both CAs.
/// 3. The old CA is removed from the bundle when it has expired.
///
/// A broken or expired leaf is reissued at once, even by a CA that is not distributed yet: it was unusable before.
enum CertificatePlan {
  /// Neither Secret exists.
  case create
  /// Nothing is due.
  case use
  /// Created by us, and certificates are due for renewal or broken.
  case renew(CertificateRenewal)
  /// Provided by a user: never written. Holds the error if it is unusable.
  case readOnly(CertificateError?)

  init(_ secret: TLSSecret?, policy: CertificatePolicy, now: Int64) {
    guard let secret else {
      self = .create
      return
    }
    guard secret.isOurs else {
      // The agent's certificate may be kept elsewhere; the controller's is needed here.
      do throws(CertificateError) {
        _ = try ParsedSecret(secret).leaf(.controller, at: now)
        self = .readOnly(nil)
      } catch {
        self = .readOnly(error)
      }
      return
    }
    let renewal = CertificateRenewal(secret, policy: policy, now: now)
    self = renewal.isNeeded ? .renew(renewal) : .use
  }
}

/// What to renew in our Secrets, and why.
struct CertificateRenewal {
  enum Authority: Equatable {
    case keep
    /// Prepend a new CA to the old ones, which stay trusted.
    case add
    /// Start over: there is no usable CA.
    case replace
  }

  private(set) var authority = Authority.keep
  private(set) var leafs: Set<CertificateRole> = []
  /// Whether the bundle has expired CAs to remove.
  private(set) var dropsExpired = false
  /// For the log.
  private(set) var reasons: [String] = []

  var isNeeded: Bool { authority != .keep || !leafs.isEmpty || dropsExpired }

  init(_ secret: TLSSecret, policy: CertificatePolicy, now: Int64) {
    let parsed: ParsedSecret
    let current: CertificateFacts
    do throws(CertificateError) {
      parsed = try ParsedSecret(secret)
      current = try parsed.authority(at: now).facts
    } catch {
      authority = .replace
      leafs = Set(CertificateRole.allCases)
      reasons = ["\(error)"]
      return
    }
    if policy.isDue(current, at: now) {
      authority = .add
      reasons.append("the CA has reached two thirds of its lifetime")
    }
    dropsExpired = parsed.authorities.contains { $0.notAfter <= now }
    let isHandedOut = authority == .keep && now - (current.notBefore + policy.backdating) >= policy.handOut

    for role in CertificateRole.allCases {
      do throws(CertificateError) {
        let leaf = try parsed.leaf(role, at: now)
        if leaf.notAfter - now <= policy.handOut {
          renew(role, "\(role.certificateKey) is about to expire")
        } else if policy.isDue(leaf, at: now), isHandedOut || leaf.isSigned(by: current) && authority == .keep {
          renew(role, "\(role.certificateKey) has reached two thirds of its lifetime")
        } else if isHandedOut, !leaf.isSigned(by: current) {
          renew(role, "\(role.certificateKey) is signed by the previous CA")
        }
      } catch {
        renew(role, "\(error)")
      }
    }
  }

  private mutating func renew(_ role: CertificateRole, _ reason: String) {
    leafs.insert(role)
    reasons.append(reason)
  }

  /// The certificates after the renewal.
  func applied(to secret: TLSSecret, policy: CertificatePolicy, now: Int64) throws(CertificateError) -> TLSSecret {
    let issuer = CertificateIssuer(policy: policy, now: now)
    var trusted: [CertificateFacts] = []
    let signing: Credential
    switch authority {
    case .replace:
      signing = try issuer.authority()
    case .add:
      signing = try issuer.authority()
      trusted = try ParsedSecret(secret).authorities
    case .keep:
      let parsed = try ParsedSecret(secret)
      signing = try parsed.authority(at: now)
      trusted = Array(parsed.authorities.dropFirst())
    }
    trusted.removeAll { $0.notAfter <= now }

    var result = secret
    var bundle = try signing.facts.pem
    for authority in trusted { bundle += try authority.pem }
    result.members[TLSSecret.authorityKey] = Array(bundle.utf8)
    if authority != .keep { result.members[TLSSecret.authorityPrivateKey] = Array(try signing.keyPEM.utf8) }
    for role in leafs {
      let leaf = try issuer.leaf(role, by: signing)
      result.members[role.certificateKey] = Array(try leaf.facts.pem.utf8)
      result.members[role.privateKeyKey] = Array(try leaf.keyPEM.utf8)
    }
    return result
  }

  /// Complete Secrets, for the first start, or when both were deleted.
  /// - Parameter lost: the certificates as last used. What is valid of it is kept, so agents and controllers that hold it still trust each
  ///   other.
  static func newSecret(
    from lost: TLSSecret? = nil, policy: CertificatePolicy, now: Int64
  ) throws(CertificateError) -> TLSSecret {
    let start = lost ?? TLSSecret(members: [:], isOurs: true)
    return try CertificateRenewal(start, policy: policy, now: now).applied(to: start, policy: policy, now: now)
  }
}
