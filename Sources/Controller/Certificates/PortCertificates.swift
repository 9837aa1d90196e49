internal import Crypto
internal import Logging
internal import Primitives
internal import SwiftASN1
internal import Synchronization
internal import X509

/// A certificate chain and its key, in PEM.
struct PortCertificate: Hashable, Sendable {
  var chain: [UInt8]
  var key: [UInt8]
}

/// The names by which clients verify the certificate of our port.
struct PortNames: Hashable, Sendable {
  /// The name in every replica's certificate, whatever the address at which it is reached.
  static let common = "rollcall-controller"

  /// The namespace of our Service.
  var namespace: String
  /// This replica's own address, or the name or address at which Prometheus reaches it.
  var others: [String] = []

  /// DNS names and IP addresses, without duplicates.
  var alternatives: [GeneralName] {
    let service = "\(Self.common).\(namespace)"
    let texts = [Self.common, service, "\(service).svc", "localhost", "127.0.0.1", "::1"] + others
    var seen: Set<String> = []
    return texts.filter { seen.insert($0).inserted }.map { text -> GeneralName in
      guard let address = IPAddress(text) else { return .dnsName(text) }
      return .ipAddress(ASN1OctetString(contentBytes: address.networkBytes[...]))
    }
  }
}

/// The certificate of the controller's own port, issued by the authority that also signs those for the calls of agents. Each replica makes
/// its own, with its own address, and keeps it in memory: a new one costs nothing, and no Secret needs one more key.
///
/// Agents do not take it for the controller's: it is for servers only.
package final class PortCertificates: Sendable {
  private struct State {
    var certificate: PortCertificate?
    var facts: CertificateFacts?
    var hasLoggedMissingAuthority = false
  }

  private let names: PortNames
  private let policy: CertificatePolicy
  private let logger: Logger
  private let state = Mutex(State())

  init(names: PortNames, policy: CertificatePolicy = CertificatePolicy(), logger: Logger) {
    self.names = names
    self.policy = policy
    self.logger = logger
  }

  /// `nil` until the authority is known.
  var current: PortCertificate? { state.withLock { $0.certificate } }

  /// Issues a certificate if there is none, if its time has come, or if clients do not trust its authority any more. After a change of the
  /// authority the present one stays in use while the old authority is trusted, so that clients have time to read the new one.
  /// - Parameter trusted: the authorities in `ca.crt`.
  func renew(by authority: Credential, trusted: [CertificateFacts], now: Int64) throws(CertificateError) {
    if let facts = state.withLock({ $0.facts }), !policy.isDue(facts, at: now), trusted.contains(where: { facts.isSigned(by: $0) }) {
      return
    }
    let issued = try CertificateIssuer(policy: policy, now: now).server(names: names.alternatives, by: authority)
    let certificate = PortCertificate(chain: Array(try issued.facts.pem.utf8), key: Array(try issued.keyPEM.utf8))
    let isFirst = state.withLock { state in
      defer { (state.certificate, state.facts) = (certificate, issued.facts) }
      return state.certificate == nil
    }
    logger.info(isFirst ? "issued a certificate for this port" : "renewed the certificate of this port")
  }

  /// Logs once that no certificate can be issued.
  func missAuthority() {
    let isNew = state.withLock { state in
      defer { state.hasLoggedMissingAuthority = true }
      return !state.hasLoggedMissingAuthority
    }
    guard isNew else { return }
    logger.warning(
      "no certificate for this port: the Secret has no key of the authority; https connections are closed",
      metadata: ["secret": "\(TLSSecretPart.authority.name)", "advice": "provide a certificate with --listen-tls-dir"])
  }
}

extension IPAddress {
  /// In network byte order, 4 or 16 bytes.
  fileprivate var networkBytes: [UInt8] {
    func bytes(_ number: some FixedWidthInteger) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
    return v4.map(bytes) ?? v6.map { bytes($0.high) + bytes($0.low) } ?? []
  }
}
