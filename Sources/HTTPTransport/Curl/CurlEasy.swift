internal import CCurl

/// Owns one easy handle, with the header and connect-to lists and the error buffer that it points to. For one thread.
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

  /// The handle must have been removed from its multi handle.
  deinit {
    curl_easy_cleanup(handle)
    for list in lists { curl_slist_free_all(list) }
    errorBuffer.deallocate()
  }

  /// libcurl's own words about the failure; its general words for the code where it has none.
  func message(for code: CURLcode) -> String {
    let own = String(cString: errorBuffer)
    return own.isEmpty ? String(cString: curl_easy_strerror(code)) : own
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

  /// libcurl copies the text. nil takes the option's default away.
  func set(_ option: CURLoption, _ text: String?) throws(CurlFailure) {
    guard let text else { return try set(option, pointer: nil) }
    try check(text.withCString { rollcall_easy_set_pointer(handle, option, $0) }, option)
  }

  /// libcurl keeps the pointer: it must stay valid as long as this object.
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

  /// The request's body, copied by libcurl.
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
