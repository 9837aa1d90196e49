extension HTTPTransportError.Detail {
  /// Names a request in messages: without user information and without the query's values, either of which may be secret.
  init(method: String, url: String) {
    // The method may be what is refused, and so anything at all.
    request = "\(String(method.prefix(20).filter { $0.isLetter })) \(Self.withoutSecrets(url))"
    reason = ""
  }

  func because(_ reason: String) -> Self {
    var detail = self
    detail.reason = reason
    return detail
  }

  /// A URL without user information, the values in its query, and its fragment.
  static func withoutSecrets(_ url: String) -> String {
    let printable = String(decoding: url.utf8.prefix(2000).filter { $0 > 0x20 && $0 < 0x7f }, as: UTF8.self)
    let withoutFragment = printable.prefix { $0 != "#" }
    let queryStart = withoutFragment.firstIndex(of: "?")
    let query = queryStart.map { withoutFragment[$0...].dropFirst() }
    var address = withoutFragment[..<(queryStart ?? withoutFragment.endIndex)]
    // Everything before the last @ that is not in the path, wherever the scheme ends: too much is removed rather than too little.
    var scheme = ""
    if let slashes = address.firstRange(of: "://") {
      scheme = String(address[..<slashes.upperBound])
      address = address[slashes.upperBound...]
    }
    let authority = address.prefix { $0 != "/" }
    if let at = authority.lastIndex(of: "@") { address = address[address.index(after: at)...] }
    let names = query?.split(separator: "&", omittingEmptySubsequences: false).map { parameter in
      parameter.firstIndex(of: "=").map { "\(parameter[..<$0])=…" } ?? "…"
    }
    return scheme + address + (names.map { "?" + $0.joined(separator: "&") } ?? "")
  }
}
