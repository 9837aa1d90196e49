internal import CCurl

/// Owns the multi handle. Registers libcurl's sockets with the poller, and keeps the time of libcurl's next timer. Not thread-safe.
final class CurlMulti {
  private let handle: UnsafeMutableRawPointer
  private let poller: Poller
  /// When `fireTimer` must call libcurl even without an event on a socket.
  private(set) var timerDue: ContinuousClock.Instant?
  /// The easy handle of each socket that libcurl only reads from.
  private var readers: [Int32: UnsafeMutableRawPointer] = [:]
  /// The easy handles whose TCP connection is established.
  private var accepted: Set<UnsafeMutableRawPointer> = []

  init(connectionCacheSize: Int, poller: Poller) throws(HTTPTransportError) {
    if let problem = CurlLibrary.problem { throw .setUp(problem) }
    guard let handle = curl_multi_init() else { throw .setUp("curl_multi_init: out of memory") }
    self.handle = handle
    self.poller = poller
    let me = Unmanaged.passUnretained(self).toOpaque()
    let codes = [
      rollcall_multi_set_long(handle, CURLMOPT_MAXCONNECTS, connectionCacheSize),
      rollcall_multi_set_pointer(handle, CURLMOPT_SOCKETDATA, me),
      rollcall_multi_set_pointer(handle, CURLMOPT_TIMERDATA, me),
      rollcall_multi_set_socket(handle) { easy, socket, interest, me, _ in
        guard let me else { return 0 }
        Unmanaged<CurlMulti>.fromOpaque(me).takeUnretainedValue().watch(socket, for: easy, interest: interest)
        return 0
      },
      rollcall_multi_set_timer(handle) { _, milliseconds, me in
        guard let me else { return 0 }
        Unmanaged<CurlMulti>.fromOpaque(me).takeUnretainedValue().setTimer(milliseconds)
        return 0
      },
    ]
    for code in codes where code != CURLM_OK { throw .setUp("curl_multi_setopt: \(String(cString: curl_multi_strerror(code)))") }
  }

  /// Closes the idle connections. Every easy handle must have been removed before.
  deinit {
    // Closing connections calls back, which must not reach this object any more.
    _ = rollcall_multi_set_socket(handle, nil)
    _ = rollcall_multi_set_timer(handle, nil)
    curl_multi_cleanup(handle)
  }

  func add(_ easy: CurlEasy) -> CURLMcode {
    curl_multi_add_handle(handle, easy.handle)
  }

  /// Aborts the transfer and closes its connection unless it has finished.
  func remove(_ easy: CurlEasy) {
    accepted.remove(easy.handle)
    curl_multi_remove_handle(handle, easy.handle)
  }

  /// Lets libcurl read from or write to the socket, or handle its error.
  func perform(on socket: Int32, isReadable: Bool, isWritable: Bool, isBroken: Bool) {
    var running: Int32 = 0
    let flags = (isReadable ? CURL_CSELECT_IN : 0) | (isWritable ? CURL_CSELECT_OUT : 0) | (isBroken ? CURL_CSELECT_ERR : 0)
    curl_multi_socket_action(handle, socket, flags, &running)
  }

  func fireTimer(at now: ContinuousClock.Instant) {
    guard let timerDue, timerDue <= now else { return }
    self.timerDue = nil
    var running: Int32 = 0
    curl_multi_socket_action(handle, CURL_SOCKET_TIMEOUT, 0, &running)
  }

  /// The easy handle and the result of the next finished transfer.
  func nextFinished() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
    var left: Int32 = 0
    while let message = curl_multi_info_read(handle, &left) {
      if message.pointee.msg == CURLMSG_DONE { return (message.pointee.easy_handle, message.pointee.data.result) }
    }
    return nil
  }

  /// The easy handle of the transfer that reads from the socket; nil while libcurl also writes to it.
  func reader(of socket: Int32) -> UnsafeMutableRawPointer? { readers[socket] }

  /// Whether the peer, or the proxy, has accepted a TCP connection. libcurl reports the time of that only after the handshake.
  func isAccepted(_ easy: CurlEasy) -> Bool { accepted.contains(easy.handle) }

  private func watch(_ socket: Int32, for easy: UnsafeMutableRawPointer?, interest: Int32) {
    // A socket that still connects is only written to.
    if interest & CURL_POLL_IN != 0, let easy, SocketState.isConnectedTCP(socket) { accepted.insert(easy) }
    readers[socket] = interest == CURL_POLL_IN ? easy : nil
    if interest == CURL_POLL_REMOVE { return poller.forget(socket) }
    poller.watch(socket, reading: interest & CURL_POLL_IN != 0, writing: interest & CURL_POLL_OUT != 0)
  }

  private func setTimer(_ milliseconds: Int) {
    timerDue = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
  }
}
