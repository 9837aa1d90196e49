internal import CCurl

/// Owns the multi handle: hands libcurl's wishes about sockets to the poller, and keeps when libcurl wants to be called next. For one thread.
final class CurlMulti {
  private let handle: UnsafeMutableRawPointer
  private let poller: Poller
  /// When libcurl wants to be called although no socket has anything.
  private(set) var timerDue: ContinuousClock.Instant?
  /// Who reads from a socket and does nothing else with it.
  private var readers: [Int32: UnsafeMutableRawPointer] = [:]

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
      rollcall_multi_set_socket(handle) { easy, socket, wish, me, _ in
        guard let me else { return 0 }
        Unmanaged<CurlMulti>.fromOpaque(me).takeUnretainedValue().watch(socket, for: easy, wish: wish)
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

  /// Every easy handle must have been removed. Closes the idle connections.
  deinit {
    // Closing calls back, and this object is no longer to be called.
    _ = rollcall_multi_set_socket(handle, nil)
    _ = rollcall_multi_set_timer(handle, nil)
    curl_multi_cleanup(handle)
  }

  func add(_ easy: CurlEasy) -> CURLMcode {
    curl_multi_add_handle(handle, easy.handle)
  }

  /// Ends the transfer where it has not ended; its connection is closed then.
  func remove(_ easy: CurlEasy) {
    curl_multi_remove_handle(handle, easy.handle)
  }

  /// Has libcurl read, write or notice the socket's end.
  func act(on socket: Int32, isReadable: Bool, isWritable: Bool, isBroken: Bool) {
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

  /// The next transfer that has ended, by its easy handle.
  func nextFinished() -> (easy: UnsafeMutableRawPointer, code: CURLcode)? {
    var left: Int32 = 0
    while let message = curl_multi_info_read(handle, &left) {
      if message.pointee.msg == CURLMSG_DONE { return (message.pointee.easy_handle, message.pointee.data.result) }
    }
    return nil
  }

  /// The easy handle of the one transfer that only reads from the socket; nil while something else is done on it.
  func reader(of socket: Int32) -> UnsafeMutableRawPointer? { readers[socket] }

  private func watch(_ socket: Int32, for easy: UnsafeMutableRawPointer?, wish: Int32) {
    readers[socket] = wish == CURL_POLL_IN ? easy : nil
    if wish == CURL_POLL_REMOVE { return poller.forget(socket) }
    poller.watch(socket, reading: wish & CURL_POLL_IN != 0, writing: wish & CURL_POLL_OUT != 0)
  }

  private func setTimer(_ milliseconds: Int) {
    timerDue = milliseconds < 0 ? nil : .now + .milliseconds(milliseconds)
  }
}
