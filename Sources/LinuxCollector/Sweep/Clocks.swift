internal import Glibc
package import Roll

/// The agent's clock: CLOCK_BOOTTIME, which runs during suspend, so that data do not stay fresh while the machine sleeps.
@Sendable
package func monotonicNow() -> Moment {
  var time = timespec()
  clock_gettime(CLOCK_BOOTTIME, &time)
  return Moment(milliseconds: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
}

/// The CPU time that the calling thread has used so far.
struct ThreadTime {
  private let used: Duration

  init() {
    var time = timespec()
    // Cannot fail: every thread has this clock. Source: clock_gettime(2).
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    used = .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
  }

  /// The time used since then. Call it on the same thread as `init`.
  func elapsed() -> Duration {
    ThreadTime().used - used
  }
}
