/// Whether a client that sends this as `Accept-Encoding` takes gzip. Source: RFC 9110, section 12.5.3.
func acceptsGzip(_ codings: String) -> Bool {
  codings.split(separator: ",").contains { coding in
    let parts = coding.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
    guard parts.first == "gzip" || parts.first == "*" else { return false }
    return !parts.dropFirst().contains { $0.hasPrefix("q=") && Double($0.dropFirst(2)) == 0 }
  }
}
