internal import CCurl
internal import Glibc

/// Owns one URL handle of libcurl, so that the URL is parsed by the parser that later connects to it.
final class CurlURL {
  struct Malformed: Error {
    var reason: String
  }

  private let handle: OpaquePointer

  /// Accepts `http` and `https` URLs with a host.
  init(_ text: String) throws(Malformed) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
      throw Malformed(reason: "the URL contains a space, a control character or a non-ASCII character: percent-encode it")
    }
    guard let handle = curl_url() else { throw Malformed(reason: "out of memory") }
    self.handle = handle
    try set(CURLUPART_URL, text)
    guard scheme == "http" || scheme == "https" else {
      throw Malformed(reason: "the URL's scheme is \(scheme), only http and https are supported")
    }
  }

  deinit { curl_url_cleanup(handle) }

  var scheme: String { read(CURLUPART_SCHEME)?.lowercased() ?? "" }
  /// IPv6 addresses are in brackets.
  var host: String { read(CURLUPART_HOST) ?? "" }
  /// The port as written; nil if the URL has none.
  var explicitPort: String? { read(CURLUPART_PORT) }
  var port: String { explicitPort ?? (scheme == "https" ? "443" : "80") }
  var text: String { read(CURLUPART_URL) ?? "" }

  func setHost(_ host: String) throws(Malformed) {
    try set(CURLUPART_HOST, host)
  }

  private func set(_ part: CURLUPart, _ text: String) throws(Malformed) {
    // Keeps dot segments, so that the path is sent as given.
    let code = curl_url_set(handle, part, text, UInt32(CURLU_PATH_AS_IS))
    guard code == CURLUE_OK else { throw Malformed(reason: "the URL is malformed: \(String(cString: curl_url_strerror(code)))") }
  }

  private func read(_ part: CURLUPart) -> String? {
    var text: UnsafeMutablePointer<CChar>?
    guard curl_url_get(handle, part, &text, 0) == CURLUE_OK, let text else { return nil }
    defer { curl_free(text) }
    return String(cString: text)
  }
}
