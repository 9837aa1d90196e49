internal import CCurl
internal import Glibc

/// An epoll descriptor and what it watches. For one thread.
final class Poller {
  private let descriptor: Int32
  private var events: [epoll_event]
  /// What is watched for being readable, only not before a moment. Few at a time: busy streams.
  private var resting: [(watched: Int32, until: ContinuousClock.Instant)] = []

  init() throws(HTTPTransportError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard descriptor >= 0 else { throw .setUp("epoll_create1: \(systemMessage(errno))") }
    events = Array(repeating: epoll_event(), count: 256)
  }

  deinit { close(descriptor) }

  /// Watches the descriptor for being readable, writable or both; again with another wish changes it.
  /// Where the kernel has no memory for it, nothing happens on the descriptor and its transfer meets a time limit.
  func watch(_ watched: Int32, reading: Bool, writing: Bool) {
    stopResting(watched)
    var event = epoll_event()
    event.events = (reading ? EPOLLIN.rawValue : 0) | (writing ? EPOLLOUT.rawValue : 0)
    event.data.fd = watched
    if epoll_ctl(descriptor, EPOLL_CTL_MOD, watched, &event) != 0, errno == ENOENT {
      epoll_ctl(descriptor, EPOLL_CTL_ADD, watched, &event)
    }
  }

  func forget(_ watched: Int32) {
    stopResting(watched)
    var event = epoll_event()
    epoll_ctl(descriptor, EPOLL_CTL_DEL, watched, &event)
  }

  /// Does not look whether the descriptor, which is watched for being readable, is so before the moment. Its failure is told at once all the same.
  func rest(_ watched: Int32, until moment: ContinuousClock.Instant) {
    watch(watched, reading: false, writing: false)
    resting.append((watched, moment))
  }

  private func stopResting(_ watched: Int32) {
    if !resting.isEmpty { resting.removeAll { $0.watched == watched } }
  }

  private func wakeRested() {
    guard !resting.isEmpty else { return }
    let now = ContinuousClock.now
    for (watched, until) in resting where until <= now { watch(watched, reading: true, writing: false) }
  }

  /// Waits until the moment (nil: for ever) or the first event, and calls `each` with every descriptor that has something.
  func wait(
    until moment: ContinuousClock.Instant?, _ each: (_ watched: Int32, _ isReadable: Bool, _ isWritable: Bool, _ isBroken: Bool) -> Void
  ) {
    wakeRested()
    let next = resting.lazy.map(\.until).min().map { rested in moment.map { min($0, rested) } ?? rested } ?? moment
    let count = epoll_wait(descriptor, &events, Int32(events.count), Self.milliseconds(until: next))
    // A negative count is EINTR: the caller looks at its clocks and waits again.
    for event in events.prefix(max(0, Int(count))) {
      let flags = event.events
      each(
        event.data.fd, flags & EPOLLIN.rawValue != 0, flags & EPOLLOUT.rawValue != 0,
        flags & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
    }
  }

  /// Rounded up, so that the moment has come when the wait is over.
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
