import NIOSSL

extension NIOSSLCertificate {
  /// Whether the certificate has the extended key usage clientAuth. BoringSSL rejects certificates for another purpose, but accepts those
  /// without an extended key usage, which the same authority may have issued for any purpose.
  var isForClientAuthentication: Bool {
    // Source: RFC 5280, section 4.2.1.12: id-ce-extKeyUsage is 2.5.29.37.
    _extensions.contains { $0.objectIdentifier.description == "2.5.29.37" && listsClientAuthentication($0.data) }
  }
}

/// Whether a DER `SEQUENCE OF OBJECT IDENTIFIER` contains id-kp-clientAuth, 1.3.6.1.5.5.7.3.2. Only short-form lengths are supported;
/// BoringSSL has already parsed the certificate, and real lists are short.
func listsClientAuthentication(_ extendedKeyUsage: some Collection<UInt8>) -> Bool {
  let clientAuthentication: [UInt8] = [0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02]
  var rest = Array(extendedKeyUsage)[...]
  guard let list = takeElement(tag: 0x30, from: &rest), rest.isEmpty else { return false }
  rest = list
  while let identifier = takeElement(tag: 0x06, from: &rest) {
    if identifier.elementsEqual(clientAuthentication) { return true }
  }
  return false
}

private func takeElement(tag: UInt8, from bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
  guard bytes.count >= 2, bytes[bytes.startIndex] == tag else { return nil }
  let length = Int(bytes[bytes.startIndex + 1])
  let content = bytes.dropFirst(2)
  guard length < 0x80, content.count >= length else { return nil }
  bytes = content.dropFirst(length)
  return content.prefix(length)
}
