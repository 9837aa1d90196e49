import Roll
import Synchronization

/// A clock that moves only when it is advanced.
final class ManualClock: Sendable {
  private let moment = Mutex(Moment(milliseconds: 0))

  func advance(_ duration: Duration) {
    moment.withLock { $0 = $0 + duration }
  }

  var now: @Sendable () -> Moment {
    { self.moment.withLock { $0 } }
  }
}
