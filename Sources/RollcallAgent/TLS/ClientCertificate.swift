import NIOSSL

extension NIOSSLCertificate {
  /// Whether the certificate says of itself that it is a client's. BoringSSL refuses one that says it is something else, and lets one pass
  /// that says nothing: a certificate that the same authority made for any other purpose would do.
  var isForClientAuthentication: Bool {
    // Source: RFC 5280, section 4.2.1.12: id-ce-extKeyUsage is 2.5.29.37.
    _extensions.contains { $0.objectIdentifier.description == "2.5.29.37" && listsClientAuthentication($0.data) }
  }
}

/// Whether a DER `SEQUENCE OF OBJECT IDENTIFIER` has id-kp-clientAuth, 1.3.6.1.5.5.7.3.2, in it. BoringSSL has parsed the certificate
/// already, so that anything but the short form of a length means a list far longer than any certificate has.
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
