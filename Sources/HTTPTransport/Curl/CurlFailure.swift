internal import CCurl

/// A libcurl call that did not return OK.
struct CurlFailure: Error {
  var code: CURLcode
  var reason: String

  init(_ code: CURLcode, doing what: String) {
    self.code = code
    reason = "\(what): \(String(cString: curl_easy_strerror(code)))"
  }
}

/// libcurl's process-wide set-up, done once and thread-safe.
enum CurlLibrary {
  /// What is wrong with this libcurl, or nil.
  static let problem: String? = {
    let code = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    guard code == CURLE_OK else { return "curl_global_init: \(String(cString: curl_easy_strerror(code)))" }
    guard let version = curl_version_info(CURLVERSION_FIRST) else { return "libcurl does not tell its version" }
    // 7.87.0 brought CURLOPT_QUICK_EXIT, without which a hanging name look-up would hold up every transfer.
    guard version.pointee.version_num >= 0x075700 else { return "libcurl is \(String(cString: version.pointee.version)), 7.87.0 is needed" }
    guard version.pointee.features & CURL_VERSION_SSL != 0 else { return "libcurl was built without TLS" }
    guard version.pointee.features & CURL_VERSION_ASYNCHDNS != 0 else { return "libcurl was built without asynchronous name look-up" }
    return nil
  }()
}
