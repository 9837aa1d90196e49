internal import Glibc
internal import Roll

/// Runs work on a new thread that ends with it, and blocks until then.
///
/// A thread that has entered a network namespace keeps the namespace alive, and everything it opens later belongs to it. The end of the
/// thread undoes this even if the work fails.
enum DisposableThread {
  private final class Work {
    let body: () -> Void

    init(_ body: @escaping () -> Void) {
      self.body = body
    }
  }

  /// - Returns: false if no thread could be created; `body` has not run.
  static func run(_ body: () -> Void) -> Bool {
    withoutActuallyEscaping(body) { body in
      var thread = pthread_t()
      let work = Unmanaged.passRetained(Work(body))
      let code = pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<Work>.fromOpaque(argument).takeUnretainedValue().body() }
          return nil
        }, work.toOpaque())
      if code == 0 { pthread_join(thread, nil) }
      work.release()
      return code == 0
    }
  }
}

/// Runs work on a detached thread, for system calls that may block forever.
enum DetachedThread {
  /// Enough for reading a few kernel files.
  private static let stackBytes = 256 * 1024

  private final class Work {
    let body: @Sendable () -> Void

    init(_ body: @escaping @Sendable () -> Void) {
      self.body = body
    }
  }

  /// - Returns: false if no thread could be created; `body` does not run.
  static func start(_ body: @escaping @Sendable () -> Void) -> Bool {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, stackBytes)
    var thread = pthread_t()
    let work = Unmanaged.passRetained(Work(body))
    let code = pthread_create(
      &thread, &attributes,
      { work in
        if let work { Unmanaged<Work>.fromOpaque(work).takeRetainedValue().body() }
        return nil
      }, work.toOpaque())
    if code != 0 { work.release() }
    return code == 0
  }
}

/// A signal from one thread to another, which waits for it with a timeout on the monotonic clock. It is a pipe with poll(2), because
/// pthread condition variables use the wall clock by default.
final class ThreadSignal: Sendable {
  private let reading: CInt
  private let writing: CInt

  init() {
    var ends: (CInt, CInt) = (-1, -1)
    _ = withUnsafeMutableBytes(of: &ends) { pipe($0.bindMemory(to: CInt.self).baseAddress) }
    (reading, writing) = ends
    for end in [reading, writing] {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
  }

  deinit {
    close(reading)
    close(writing)
  }

  func send() {
    var byte: UInt8 = 1
    _ = write(writing, &byte, 1)
  }

  /// Discards earlier signals.
  func reset() {
    var byte: UInt8 = 0
    while read(reading, &byte, 1) == 1 {}
  }

  /// - Returns: false after `timeout` without a signal.
  func wait(_ timeout: Duration) -> Bool {
    var one = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    return poll(&one, 1, CInt(clamping: timeout.wholeMilliseconds)) > 0
  }
}
