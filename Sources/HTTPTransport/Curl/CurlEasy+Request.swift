internal import CCurl
internal import Primitives

extension CurlEasy {
  /// Sets all options of the request except the callbacks. Throws on the first option that libcurl rejects, so that none is silently
  /// ignored.
  func apply(_ prepared: PreparedRequest) throws(CurlFailure) {
    let request = prepared.request
    // libcurl must not install signal handlers. With QUICK_EXIT it does not wait for the thread of a name lookup that hangs.
    try set(CURLOPT_NOSIGNAL, true)
    try set(CURLOPT_QUICK_EXIT, 1)
    try applyConnection(request, connectTo: prepared.connectTo, connectsToAddress: prepared.connectsToAddress)
    try applyTLS(prepared.tls)
    if request.proxy != nil { try applyProxyTLS(prepared.tls) }

    try set(CURLOPT_URL, prepared.url)
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_FOLLOWLOCATION, false)
    try set(CURLOPT_PATH_AS_IS, true)
    try set(CURLOPT_HTTP_VERSION, request.allowsHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
    // A header of the same name replaces it. Proxies get it as well.
    try set(CURLOPT_USERAGENT, ProductVersion.userAgent)
    try set(CURLOPT_HTTPHEADER, list: prepared.headerLines)
    try applyBody(request)
    try set(CURLOPT_BUFFERSIZE, request.receiveBufferBytes)
    // Rejects an announced length that is too large; the write callback counts the actual bytes. 0 would mean no limit.
    if request.method != "HEAD", request.maximumBodyBytes > 0, !request.needsOnlyStatus {
      try set(CURLOPT_MAXFILESIZE_LARGE, bytes: request.maximumBodyBytes)
    }
  }

  private func applyConnection(_ request: HTTPRequest, connectTo: [String], connectsToAddress: Bool) throws(CurlFailure) {
    try set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.connectTimeout.wholeMilliseconds)))
    if !request.keepsConnection { try set(CURLOPT_FORBID_REUSE, true) }
    try set(CURLOPT_TCP_KEEPALIVE, true)
    try set(CURLOPT_TCP_KEEPIDLE, KeepaliveTimeouts.firstProbeSeconds)
    try set(CURLOPT_TCP_KEEPINTVL, KeepaliveTimeouts.probeIntervalSeconds)
    try set(CURLOPT_CONNECT_TO, list: connectTo)
    // libcurl also caches the "lookups" of IP addresses, and scans the whole cache at the end of each transfer: with thousands of
    // pods, a third of all processor time.
    if connectsToAddress { try set(CURLOPT_DNS_CACHE_TIMEOUT, 0) }
    if let path = request.unixSocket { try set(CURLOPT_UNIX_SOCKET_PATH, path) }
    // Always set both, since libcurl otherwise reads the environment's proxy variables.
    try set(CURLOPT_PROXY, request.proxy ?? "")
    try set(CURLOPT_NOPROXY, request.proxy == nil ? "*" : "")
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
  }

  private func applyTLS(_ material: PreparedRequest.TLSMaterial) throws(CurlFailure) {
    try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    try set(CURLOPT_SSL_VERIFYPEER, material.isVerified ? 1 : 0)
    try set(CURLOPT_SSL_VERIFYHOST, material.isVerified ? 2 : 0)
    if let authorities = material.authorities {
      // Otherwise libcurl trusts the system's authorities as well.
      try set(CURLOPT_CAPATH, nil)
      try set(CURLOPT_CAINFO_BLOB, blob: authorities)
    }
    if let certificate = material.certificate { try set(CURLOPT_SSLCERT_BLOB, blob: certificate) }
    if let key = material.key { try set(CURLOPT_SSLKEY_BLOB, blob: key) }
  }

  /// Verifies an `https` proxy like the server. It gets no client certificate.
  private func applyProxyTLS(_ material: PreparedRequest.TLSMaterial) throws(CurlFailure) {
    try set(CURLOPT_PROXY_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    try set(CURLOPT_PROXY_SSL_VERIFYPEER, material.isVerified ? 1 : 0)
    try set(CURLOPT_PROXY_SSL_VERIFYHOST, material.isVerified ? 2 : 0)
    guard let authorities = material.authorities else { return }
    try set(CURLOPT_PROXY_CAPATH, nil)
    try set(CURLOPT_PROXY_CAINFO_BLOB, blob: authorities)
  }

  private func applyBody(_ request: HTTPRequest) throws(CurlFailure) {
    if request.method == "HEAD" { return try set(CURLOPT_NOBODY, true) }
    if let body = request.body {
      try set(body: body)
    } else if ["POST", "PUT", "PATCH"].contains(request.method) {
      // Sends `Content-Length: 0`, which servers expect for these methods.
      try set(body: [])
    }
    try set(CURLOPT_CUSTOMREQUEST, request.method)
  }
}
