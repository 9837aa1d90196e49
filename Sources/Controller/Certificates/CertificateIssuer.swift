internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// A certificate and its private key.
struct Credential: Sendable {
  var facts: CertificateFacts
  var key: Certificate.PrivateKey

  var keyPEM: String {
    get throws(CertificateError) {
      do { return try key.serializeAsPEM().pemString + "\n" } catch { throw .issue("\(error)") }
    }
  }
}

/// Issues certificates with ECDSA on P-256, which every TLS library supports and whose handshakes are cheap.
struct CertificateIssuer {
  let policy: CertificatePolicy
  /// In Unix seconds.
  let now: Int64

  func authority() throws(CertificateError) -> Credential {
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    // A unique name, so that an old and a new CA in one bundle also differ by name.
    let suffix = String(UInt32.random(in: .min ... .max), radix: 16)
    return try caught {
      let name = try DistinguishedName { CommonName("rollcall-ca-\(suffix)") }
      let identifier = SubjectKeyIdentifier(hash: key.publicKey)
      return try make(
        subject: name, key: key, issuer: name, issuerKey: key, life: policy.authorityLife,
        extensions: try Certificate.Extensions {
          Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
          Critical(KeyUsage(keyCertSign: true, cRLSign: true))
          identifier
        })
    }
  }

  func leaf(_ role: CertificateRole, by authority: Credential) throws(CertificateError) -> Credential {
    try leaf(role.name, usage: role.usage, names: [.dnsName(role.name)], by: authority)
  }

  /// A certificate for our own port.
  func server(names: [GeneralName], by authority: Credential) throws(CertificateError) -> Credential {
    try leaf(PortNames.common, usage: .serverAuth, names: names, by: authority)
  }

  private func leaf(
    _ commonName: String, usage: ExtendedKeyUsage.Usage, names: [GeneralName], by authority: Credential
  ) throws(CertificateError) -> Credential {
    let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
    return try caught {
      try make(
        subject: try DistinguishedName { CommonName(commonName) }, key: key, issuer: authority.facts.certificate.subject,
        issuerKey: authority.key,
        // A certificate is useless after its CA has expired.
        life: min(policy.leafLife, authority.facts.notAfter - now),
        extensions: try Certificate.Extensions {
          Critical(BasicConstraints.notCertificateAuthority)
          Critical(KeyUsage(digitalSignature: true))
          try ExtendedKeyUsage([usage])
          SubjectAlternativeNames(names)
          SubjectKeyIdentifier(hash: key.publicKey)
          AuthorityKeyIdentifier(
            keyIdentifier: SubjectKeyIdentifier(hash: authority.key.publicKey).keyIdentifier)
        })
    }
  }

  private func make(
    subject: DistinguishedName, key: Certificate.PrivateKey, issuer: DistinguishedName, issuerKey: Certificate.PrivateKey, life: Int64,
    extensions: Certificate.Extensions
  ) throws -> Credential {
    let certificate = try Certificate(
      version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key.publicKey,
      notValidBefore: Date(timeIntervalSince1970: Double(now - policy.backdating)),
      notValidAfter: Date(timeIntervalSince1970: Double(now + life)), issuer: issuer, subject: subject,
      signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions, issuerPrivateKey: issuerKey)
    return Credential(facts: CertificateFacts(certificate: certificate), key: key)
  }

  private func caught(_ body: () throws -> Credential) throws(CertificateError) -> Credential {
    do { return try body() } catch { throw .issue("\(error)") }
  }
}

/// Lifetimes of certificates, in seconds.
package struct CertificatePolicy: Hashable, Sendable {
  /// The CA signs only our own two certificates, and its key is in the same Secret as the controller's, so frequent renewal protects
  /// nothing. Each renewal takes days (see `CertificatePlan`).
  package var authorityLife = 10 * 365 * day
  /// Renewed after 60 days, which leaves 30 for a controller that is down or an agent that does not see the new Secret. Short enough that
  /// every installation exercises renewal.
  package var leafLife = 90 * day
  /// How far `notBefore` lies in the past, for machines with a slow clock.
  package var backdating = hour
  /// How long a new CA is only distributed before it signs anything. Kubelets update a mounted Secret within about two minutes; a day also
  /// covers nodes that are down for hours. A node that is down for longer cannot be called until its agent has the new bundle.
  package var handOut = day

  package init() {}

  private static let hour: Int64 = 3600
  private static let day: Int64 = 24 * hour

  /// Whether two thirds of its lifetime have passed.
  func isDue(_ certificate: CertificateFacts, at now: Int64) -> Bool {
    now - certificate.notBefore >= (certificate.notAfter - certificate.notBefore) / 3 * 2
  }
}
