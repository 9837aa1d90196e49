internal import CCurl
internal import Glibc

/// An epoll instance. Not thread-safe.
final class Poller {
  private let descriptor: Int32
  private var events: [epoll_event]
  /// Descriptors that are not polled for input until the given time. There are few of them: busy streams.
  private var suspended: [(watched: Int32, until: ContinuousClock.Instant)] = []

  init() throws(HTTPTransportError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw .setUp("epoll_create1: \(systemMessage(errno))") }
    events = Array(repeating: epoll_event(), count: 256)
  }

  deinit { close(descriptor) }

  /// Polls the descriptor for input, output or both, replacing its previous interest.
  /// If the kernel is out of memory there are no events for the descriptor, and its transfer runs into a timeout.
  func watch(_ watched: Int32, reading: Bool, writing: Bool) {
    cancelSuspension(watched)
    var event = epoll_event()
    event.events = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
    event.data.fd = watched
    if epoll_ctl(descriptor, EPOLL_CTL_MOD, watched, &event) != 0, errno == ENOENT {
      epoll_ctl(descriptor, EPOLL_CTL_ADD, watched, &event)
    }
  }

  func forget(_ watched: Int32) {
    cancelSuspension(watched)
    var event = epoll_event()
    epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, &event)
  }

  /// Stops polling the descriptor for input until the given time. Errors are still reported at once.
  func suspendReading(of watched: Int32, until moment: ContinuousClock.Instant) {
    watch(watched, reading: false, writing: false)
    suspended.append((watched, moment))
  }

  private func cancelSuspension(_ watched: Int32) {
    if !suspended.isEmpty { suspended.removeAll { $0.watched == watched } }
  }

  private func resumeSuspended() {
    guard !suspended.isEmpty else { return }
    let now = ContinuousClock.now
    for (watched, until) in suspended where until <= now { watch(watched, reading: true, writing: false) }
  }

  /// Waits for the first event or until the given time (nil: forever), and calls `each` for every ready descriptor.
  func wait(
    until moment: ContinuousClock.Instant?, _ each: (_ watched: Int32, _ isReadable: Bool, _ isWritable: Bool, _ isBroken: Bool) -> Void
  ) {
    resumeSuspended()
    let next = suspended.lazy.map(\.until).min().map { end in moment.map { min($0, end) } ?? end } ?? moment
    let count = epoll_wait(descriptor, &events, Int32(events.count), Self.milliseconds(until: next))
    // A negative count means EINTR: the caller checks its timers and waits again.
    for event in events.prefix(max(0, Int(count))) {
      let flags = event.events
      each(
        event.data.fd, flags & EPOLLIN.rawValue != 0, flags & EPOLLOUT.rawValue != 0,
        flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
    }
  }

  /// Rounded up, so that the wait does not end early.
  private static func milliseconds(until moment: ContinuousClock.Instant?) -> Int32 {
    guard let moment else { return -1 }
    let rest = ContinuousClock.now.duration(to: moment)
    guard rest > .zero else { return 0 }
    return Int32(min(rest.wholeMilliseconds + 1, 3_600_000))
  }
}

extension Duration {
  /// Rounded down.
  var wholeMilliseconds: Int64 {
    let (seconds, attoseconds) = components
    return seconds.multipliedReportingOverflow(by: 1000).overflow ? .max / 2 : seconds * 1000 + attoseconds / 1_000_000_000_000_000
  }
}
