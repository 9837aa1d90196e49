internal import Crypto
internal import FoundationEssentials
internal import SwiftASN1
internal import X509

/// A certificate with what is asked of it. Times are in Unix seconds.
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

  /// Every certificate of a PEM text, in its order.
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

/// What one of the two ends of mutual TLS has to show.
enum CertificateRole: String, CaseIterable, Sendable {
  case agent
  case controller

  var certificateKey: String { "\(rawValue).crt" }
  var privateKeyKey: String { "\(rawValue).key" }
  /// The common name and the DNS name.
  var name: String { "rollcall-\(rawValue)" }
  var usage: ExtendedKeyUsage.Usage { self == .agent ? .serverAuth : .clientAuth }

  /// Whether a certificate says what the other end looks for.
  func isServed(by certificate: Certificate) -> Bool {
    let usages = (try? certificate.extensions.extendedKeyUsage).map { Array($0) } ?? []
    let names = (try? certificate.extensions.subjectAlternativeNames).map { Array($0) } ?? []
    return usages.contains(usage) && names.contains(.dnsName(name))
  }
}

/// Why there are no usable certificates for mutual TLS. No case carries a key.
package enum CertificateError: Error, Hashable, CustomStringConvertible {
  /// A member of the Secret is missing, or is not what its name says.
  case content(key: String, String)
  /// The members do not fit together, or not to the present time.
  case mismatch(String)
  /// A new certificate could not be made.
  case issue(String)

  package var description: String {
    switch self {
    case .content(let key, let text): "\(key): \(text)"
    case .mismatch(let text): text
    case .issue(let text): "a certificate cannot be made: \(text)"
    }
  }
}
