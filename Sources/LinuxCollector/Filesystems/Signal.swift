internal import Roll

#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// What one thread tells another one that waits for it, with a limit by a clock that nobody sets (which the C library's own waits lack).
final class Signal: Sendable {
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

  /// Takes back what was sent and not waited for.
  func reset() {
    var byte: UInt8 = 0
    while read(reading, &byte, 1) == 1 {}
  }

  /// - Returns: false where nothing was sent within the limit.
  func wait(_ limit: Duration) -> Bool {
    var one = pollfd(fd: reading, events: Int16(POLLIN), revents: 0)
    return poll(&one, 1, CInt(clamping: limit.wholeMilliseconds)) > 0
  }
}
