internal import Glibc

/// The processor time that the calling thread has used.
struct ThreadTime {
  private let used: Duration

  /// Now.
  init() {
    var time = timespec()
    // It cannot fail: every thread has this clock. Source: clock_gettime(2).
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    used = .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// What was used since then. Both have to be of one thread.
  func elapsed() -> Duration {
    ThreadTime().used - used
  }
}
