// For the thread types of libc, which Swift attributes to the first module that includes them.
internal import CCurl
internal import Glibc

extension TransferLoop {
  /// What the thread is called in lists of threads; at most 15 bytes.
  static let threadName = "rollcall-http"

  /// Runs the loop on a thread of its own, which ends with it.
  func start() throws(HTTPTransportError) {
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    let loop = Unmanaged.passRetained(self)
    let code = pthread_create(
      &thread, &attributes,
      { argument in
        TransferLoop.blockSignals()
        TransferLoop.nameThread()
        if let argument { Unmanaged<TransferLoop>.fromOpaque(argument).takeRetainedValue().run() }
        return nil
      }, loop.toOpaque())
    guard code == 0 else {
      loop.release()
      throw .setUp("pthread_create: \(systemMessage(code))")
    }
  }

  /// Signals are for the program's own threads. SIGPIPE must be blocked above all: OpenSSL writes to sockets whose peer may be gone. What a crash raises
  /// stays as it is, so that it is reported.
  private static func blockSignals() {
    var signals = sigset_t()
    sigfillset(&signals)
    for signal in [SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV, SIGSYS] { sigdelset(&signals, signal) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
  }

  /// Through procfs, because glibc's call for it is outside of Swift's Glibc module. Only for those who look: a failure changes nothing.
  private static func nameThread() {
    let descriptor = open("/proc/thread-self/comm", O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, threadName, threadName.utf8.count)
    close(descriptor)
  }
}
