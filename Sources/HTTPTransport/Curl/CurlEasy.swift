internal import CCurl

/// Owns one easy handle, together with the lists and the error buffer that it points to. Not thread-safe.
final class CurlEasy {
  let handle: UnsafeMutableRawPointer
  private var lists: [UnsafeMutablePointer<curl_slist>] = []
  private let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  init() throws(CurlFailure) {
    errorBuffer.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    guard let handle = curl_easy_init() else {
      errorBuffer.deallocate()
      throw CurlFailure(CURLE_OUT_OF_MEMORY, doing: "curl_easy_init")
    }
    self.handle = handle
    try set(CURLOPT_ERRORBUFFER, pointer: errorBuffer)
  }

  /// The handle must have been removed from its multi handle before.
  deinit {
    curl_easy_cleanup(handle)
    for list in lists { curl_slist_free_all(list) }
    errorBuffer.deallocate()
  }

  /// The message in libcurl's error buffer, or the generic one for the code if the buffer is empty.
  func message(for code: CURLcode) -> String {
    let message = String(cString: errorBuffer)
    return message.isEmpty ? String(cString: curl_easy_strerror(code)) : message
  }

  func set(_ option: CURLoption, _ number: Int) throws(CurlFailure) {
    try check(rollcall_easy_set_long(handle, option, number), option)
  }

  func set(_ option: CURLoption, _ flag: Bool) throws(CurlFailure) {
    try set(option, flag ? 1 : 0)
  }

  func set(_ option: CURLoption, bytes count: Int) throws(CurlFailure) {
    try check(rollcall_easy_set_offset(handle, option, curl_off_t(count)), option)
  }

  /// libcurl copies the text. nil clears the option, its default included.
  func set(_ option: CURLoption, _ text: String?) throws(CurlFailure) {
    guard let text else { return try set(option, pointer: nil) }
    try check(text.withCString { rollcall_easy_set_pointer(handle, option, $0) }, option)
  }

  /// libcurl keeps the pointer, which must stay valid as long as this object.
  func set(_ option: CURLoption, pointer: UnsafeRawPointer?) throws(CurlFailure) {
    try check(rollcall_easy_set_pointer(handle, option, pointer), option)
  }

  /// libcurl copies the bytes.
  func set(_ option: CURLoption, blob: [UInt8]) throws(CurlFailure) {
    try check(blob.withUnsafeBytes { rollcall_easy_set_blob(handle, option, $0.baseAddress, $0.count) }, option)
  }

  func set(_ option: CURLoption, list lines: [String]) throws(CurlFailure) {
    var list: UnsafeMutablePointer<curl_slist>?
    for line in lines {
      guard let longer = curl_slist_append(list, line) else {
        curl_slist_free_all(list)
        throw CurlFailure(CURLE_OUT_OF_MEMORY, doing: "curl_slist_append")
      }
      list = longer
    }
    guard let list else { return }
    lists.append(list)
    try check(rollcall_easy_set_list(handle, option, list), option)
  }

  /// Sets the request's body. libcurl copies it.
  func set(body: [UInt8]) throws(CurlFailure) {
    try set(CURLOPT_POSTFIELDSIZE_LARGE, bytes: body.count)
    let code =
      body.isEmpty
      ? rollcall_easy_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, "")
      : body.withUnsafeBytes { rollcall_easy_set_pointer(handle, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) }
    try check(code, CURLOPT_COPYPOSTFIELDS)
  }

  func check(_ code: CURLcode, _ option: CURLoption) throws(CurlFailure) {
    guard code == CURLE_OK else {
      let name = curl_easy_option_by_id(option).map { String(cString: $0.pointee.name) } ?? "\(option.rawValue)"
      throw CurlFailure(code, doing: "setting \(name)")
    }
  }
}

/// A libcurl call that did not return OK.
struct CurlFailure: Error {
  var code: CURLcode
  var reason: String

  init(_ code: CURLcode, doing what: String) {
    self.code = code
    reason = "\(what): \(String(cString: curl_easy_strerror(code)))"
  }
}

/// Process-wide initialization of libcurl, done once and thread-safe.
enum CurlLibrary {
  /// Why this libcurl cannot be used, or nil if it can.
  static let problem: String? = {
    let code = curl_global_init(Int(CURL_GLOBAL_DEFAULT))
    guard code == CURLE_OK else { return "curl_global_init: \(String(cString: curl_easy_strerror(code)))" }
    guard let version = curl_version_info(CURLVERSION_FIRST) else { return "libcurl does not report its version" }
    // CURLOPT_QUICK_EXIT, added in 7.87.0, keeps a name lookup that hangs from blocking all transfers.
    guard version.pointee.version_num >= 0x075700 else {
      return "libcurl is version \(String(cString: version.pointee.version)), but 7.87.0 or newer is required"
    }
    guard version.pointee.features & CURL_VERSION_SSL != 0 else { return "libcurl was built without TLS" }
    guard version.pointee.features & CURL_VERSION_ASYNCHDNS != 0 else { return "libcurl was built without asynchronous name lookup" }
    return nil
  }()
}
