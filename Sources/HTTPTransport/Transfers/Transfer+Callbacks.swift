internal import CCurl
internal import Glibc
internal import Primitives

/// TCP keepalive and user timeout. The kernel drops a connection whose data or probes are not acknowledged for 30 s; the first probe
/// follows 15 s of silence, the next ones every 5 s. So a dead peer is detected after 30 s, busy or idle.
enum KeepaliveTimeouts {
  static let firstProbeSeconds = 15
  static let probeIntervalSeconds = 5
  static let userTimeoutMilliseconds: Int32 = 30_000
}

extension Transfer {
  /// The callbacks get an unretained reference: the loop retains the transfer as long as the easy handle is in use.
  func setCallbacks() throws(CurlFailure) {
    let me = UnsafeRawPointer(Unmanaged.passUnretained(self).toOpaque())
    for option in [CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_OPENSOCKETDATA, CURLOPT_PREREQDATA] { try easy.set(option, pointer: me) }

    try easy.check(
      rollcall_easy_set_write(easy.handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, me in
        guard let transfer = Transfer.from(me) else { return 0 }
        switch transfer.receive(body: UnsafeRawBufferPointer(start: bytes, count: size * count)) {
        case .taken: return size * count
        case .paused: return Int(CURL_WRITEFUNC_PAUSE)
        case .refused: return Int(CURL_WRITEFUNC_ERROR)
        }
      }, CURLOPT_WRITEFUNCTION)

    try easy.check(
      rollcall_easy_set_write(easy.handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, me in
        guard let transfer = Transfer.from(me) else { return 0 }
        let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
        return transfer.receive(headerLine: line) ? line.count : Int(CURL_WRITEFUNC_ERROR)
      }, CURLOPT_HEADERFUNCTION)

    try easy.check(
      rollcall_easy_set_open_socket(easy.handle) { me, _, address in
        guard let transfer = Transfer.from(me), let address else { return CURL_SOCKET_BAD }
        let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0
        let length = Int(address.pointee.addrlen)
        guard transfer.allows(IPAddress(socketAddress: UnsafeRawPointer(address) + offset, length: length)) else { return CURL_SOCKET_BAD }
        let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
        return socket(address.pointee.family, type, address.pointee.protocol)
      }, CURLOPT_OPENSOCKETFUNCTION)

    try easy.check(
      rollcall_easy_set_socket_options(easy.handle) { _, descriptor, _ in
        var timeout = KeepaliveTimeouts.userTimeoutMilliseconds
        // Fails for Unix sockets, which need no timeout.
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, &timeout, socklen_t(MemoryLayout<Int32>.size))
        return CURL_SOCKOPT_OK
      }, CURLOPT_SOCKOPTFUNCTION)

    try easy.check(
      rollcall_easy_set_before_request(easy.handle) { me, peer, _, _, _ in
        guard let transfer = Transfer.from(me), let peer else { return CURL_PREREQFUNC_ABORT }
        return transfer.connected(to: IPAddress(ignoringZone: String(cString: peer))) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
      }, CURLOPT_PREREQFUNCTION)
  }

  private static func from(_ pointer: UnsafeMutableRawPointer?) -> Transfer? {
    pointer.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
  }
}
