internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// The properties of a certificate that Rollcall checks. Times are in Unix seconds.
struct CertificateFacts: Sendable {
  let certificate: Certificate

  var notBefore: Int64 { Int64(certificate.notValidBefore.timeIntervalSince1970) }
  var notAfter: Int64 { Int64(certificate.notValidAfter.timeIntervalSince1970) }
  func isValid(at now: Int64) -> Bool { notBefore <= now && now < notAfter }

  var isAuthority: Bool {
    guard case .isCertificateAuthority = try? certificate.extensions.basicConstraints else { return false }
    return true
  }

  /// Whether `authority` signed it.
  func isSigned(by authority: CertificateFacts) -> Bool {
    certificate.issuer == authority.certificate.subject
      && authority.certificate.publicKey.isValidSignature(certificate.signature, for: certificate)
  }

  func isOf(_ key: Certificate.PrivateKey) -> Bool { certificate.publicKey == key.publicKey }

  /// Every certificate in a PEM text, in order.
  static func all(inPEM text: String, key: String) throws(CertificateError) -> [CertificateFacts] {
    do {
      return try PEMDocument.parseMultiple(pemString: text).map { CertificateFacts(certificate: try Certificate(pemDocument: $0)) }
    } catch {
      throw .content(key: key, "is not a certificate in PEM: \(error)")
    }
  }

  var pem: String {
    get throws(CertificateError) {
      do { return try certificate.serializeAsPEM().pemString + "\n" } catch { throw .issue("\(error)") }
    }
  }
}

/// One side of mutual TLS.
enum CertificateRole: String, CaseIterable, Sendable {
  case agent
  case controller

  var certificateKey: String { "\(rawValue).crt" }
  var privateKeyKey: String { "\(rawValue).key" }
  /// The common name and DNS name.
  var name: String { "rollcall-\(rawValue)" }
  var usage: ExtendedKeyUsage.Usage { self == .agent ? .serverAuth : .clientAuth }

  /// Whether a certificate has the DNS name and key usage that the other side verifies.
  func isServed(by certificate: Certificate) -> Bool {
    let usages = (try? certificate.extensions.extendedKeyUsage).map { Array($0) } ?? []
    let names = (try? certificate.extensions.subjectAlternativeNames).map { Array($0) } ?? []
    return usages.contains(usage) && names.contains(.dnsName(name))
  }
}

/// No usable certificates for mutual TLS. No case holds a private key.
package enum CertificateError: Error, Hashable, CustomStringConvertible {
  /// A key of the Secret is missing or its value is malformed.
  case content(key: String, String)
  /// The certificates and keys do not match, or are not valid now.
  case mismatch(String)
  /// A certificate could not be issued.
  case issue(String)

  package var description: String {
    switch self {
    case .content(let key, let text): "\(key): \(text)"
    case .mismatch(let text): text
    case .issue(let text): "cannot issue a certificate: \(text)"
    }
  }
}
