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
