internal import X509

/// What is to be done about the Secret with the certificates. Pure: it is decided from the Secret and the time.
///
/// How a CA is replaced while agents and controllers go on talking:
/// 1. When two thirds of its life are over, a new CA is put before it in `ca.crt`, and `ca.key` becomes the new one's. The old key is gone;
///    what it signed is still trusted, and nothing is signed with the new one yet.
/// 2. A day later every agent has the bundle with both. The leafs are issued anew by the new CA; each end trusts both.
/// 3. The old CA leaves the bundle when it has expired.
///
/// A leaf that is broken or has expired is issued anew at once: it cannot get worse.
enum CertificatePlan {
  /// There is no Secret: make all of it.
  case create
  /// All is well for now.
  case use
  /// Ours, and something is due or broken.
  case renew(CertificateRenewal)
  /// Brought by a user: never written. The error says what is wrong with it, if anything is.
  case readOnly(CertificateError?)

  init(_ secret: TLSSecret?, policy: CertificatePolicy, now: Int64) {
    guard let secret else {
      self = .create
      return
    }
    guard secret.isOurs else {
      // The agent's half may be kept elsewhere; ours we need.
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

/// Which parts of our Secret are made anew, and why.
struct CertificateRenewal {
  enum Authority: Equatable {
    case keep
    /// A new one before the old ones, which are still trusted.
    case add
    /// All anew: there is no CA that could be trusted.
    case replace
  }

  private(set) var authority = Authority.keep
  private(set) var leafs: Set<CertificateRole> = []
  /// CAs in the bundle that have expired.
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
      reasons.append("the CA has reached two thirds of its life")
    }
    dropsExpired = parsed.authorities.contains { $0.notAfter <= now }
    let isHandedOut = authority == .keep && now - (current.notBefore + policy.backdating) >= policy.handOut

    for role in CertificateRole.allCases {
      do throws(CertificateError) {
        let leaf = try parsed.leaf(role, at: now)
        if leaf.notAfter - now <= policy.handOut {
          renew(role, "\(role.certificateKey) is about to expire")
        } else if policy.isDue(leaf, at: now), isHandedOut || leaf.isSigned(by: current) && authority == .keep {
          renew(role, "\(role.certificateKey) has reached two thirds of its life")
        } else if isHandedOut, !leaf.isSigned(by: current) {
          renew(role, "\(role.certificateKey) is signed by the CA before the present one")
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

  /// The members of the Secret after the renewal.
  func carriedOut(on secret: TLSSecret, policy: CertificatePolicy, now: Int64) throws(CertificateError) -> TLSSecret {
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

  /// The members of a Secret that does not exist yet.
  static func firstSecret(policy: CertificatePolicy, now: Int64) throws(CertificateError) -> TLSSecret {
    let empty = TLSSecret(members: [:], isOurs: true)
    return try CertificateRenewal(empty, policy: policy, now: now).carriedOut(on: empty, policy: policy, now: now)
  }
}
