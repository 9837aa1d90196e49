internal import CCurl

extension CurlEasy {
  /// Sets everything about the request except for the callbacks. Each option that is not accepted fails the request: none may be lost in silence.
  func apply(_ prepared: PreparedRequest) throws(CurlFailure) {
    let request = prepared.request
    // Signals are for the program; QUICK_EXIT lets a name look-up that hangs go on without us instead of holding up the thread.
    try set(CURLOPT_NOSIGNAL, true)
    try set(CURLOPT_QUICK_EXIT, 1)
    try applyConnection(request, connectTo: prepared.connectTo, isToAddress: prepared.isToAddress)
    try applyTLS(prepared.tls)
    if request.proxy != nil { try applyProxyTLS(prepared.tls) }

    try set(CURLOPT_URL, prepared.url)
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_FOLLOWLOCATION, false)
    try set(CURLOPT_PATH_AS_IS, true)
    try set(CURLOPT_HTTP_VERSION, request.allowsHTTP2 ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1)
    try set(CURLOPT_HTTPHEADER, list: prepared.headerLines)
    try applyBody(request)
    try set(CURLOPT_BUFFERSIZE, request.receiveBufferBytes)
    if request.acceptsCompression { try set(CURLOPT_ACCEPT_ENCODING, "gzip") }
    // A length that the peer tells in advance is refused at once; what it really sends is counted in the write callback. 0 would be no limit.
    if request.method != "HEAD", request.maximumBodyBytes > 0 { try set(CURLOPT_MAXFILESIZE_LARGE, bytes: request.maximumBodyBytes) }
  }

  private func applyConnection(_ request: HTTPRequest, connectTo: [String], isToAddress: Bool) throws(CurlFailure) {
    try set(CURLOPT_CONNECTTIMEOUT_MS, max(1, Int(request.connectTimeout.wholeMilliseconds)))
    if !request.keepsConnection { try set(CURLOPT_FORBID_REUSE, true) }
    try set(CURLOPT_TCP_KEEPALIVE, true)
    try set(CURLOPT_TCP_KEEPIDLE, DeadPeer.firstProbeSeconds)
    try set(CURLOPT_TCP_KEEPINTVL, DeadPeer.probeIntervalSeconds)
    try set(CURLOPT_CONNECT_TO, list: connectTo)
    // libcurl remembers addresses as it does names, and looks through all that it remembers at the end of each transfer: with
    // thousands of pods that would be a third of all the work.
    if isToAddress { try set(CURLOPT_DNS_CACHE_TIMEOUT, 0) }
    if let path = request.unixSocket { try set(CURLOPT_UNIX_SOCKET_PATH, path) }
    // Both are always set, so that no variable of the environment has a say.
    try set(CURLOPT_PROXY, request.proxy ?? "")
    try set(CURLOPT_NOPROXY, request.proxy == nil ? "*" : "")
    try set(CURLOPT_SUPPRESS_CONNECT_HEADERS, true)
  }

  private func applyTLS(_ material: PreparedRequest.TLSMaterial) throws(CurlFailure) {
    try set(CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2)
    try set(CURLOPT_SSL_VERIFYPEER, material.isVerified ? 1 : 0)
    try set(CURLOPT_SSL_VERIFYHOST, material.isVerified ? 2 : 0)
    if let authorities = material.authorities {
      // The folder of the system's authorities would be trusted beside ours.
      try set(CURLOPT_CAPATH, nil)
      try set(CURLOPT_CAINFO_BLOB, blob: authorities)
    }
    if let certificate = material.certificate { try set(CURLOPT_SSLCERT_BLOB, blob: certificate) }
    if let key = material.key { try set(CURLOPT_SSLKEY_BLOB, blob: key) }
  }

  /// An `https` proxy is trusted as the server is, and is shown no certificate.
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
      // With `Content-Length: 0`, which servers want of these.
      try set(body: [])
    }
    try set(CURLOPT_CUSTOMREQUEST, request.method)
  }
}
