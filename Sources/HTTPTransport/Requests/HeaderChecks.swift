/// What would let a header, or a method, say more than it should: each is refused before anything is sent.
enum HeaderChecks {
  /// Set by the transport alone: with two opinions about where a body ends, requests can be smuggled.
  private static let reserved: Set<String> = ["content-length", "transfer-encoding"]

  /// nil, or what is wrong. Never shows the value, which may be a credential.
  static func problem(with header: HTTPHeader) -> String? {
    guard isToken(header.name) else { return "a header's name is empty or holds a character that names cannot have" }
    if reserved.contains(header.name.lowercased()) { return "the header \(header.name) belongs to the transport" }
    // RFC 9110 5.5: visible characters, space, tab, and obs-text.
    guard header.value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
      return "the value of the header \(header.name) holds a line break or another control character"
    }
    return nil
  }

  /// RFC 9110 5.6.2: methods and header names.
  static func isToken(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
      }
  }
}
