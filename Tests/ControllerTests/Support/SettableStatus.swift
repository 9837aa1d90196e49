import Controller
import Synchronization

/// A status set by the test.
final class SettableStatus<Status: Sendable>: StatusSource {
  private let held: Mutex<Status>

  init(_ status: Status) { held = Mutex(status) }

  var status: Status {
    get { held.withLock { $0 } }
    set { held.withLock { $0 = newValue } }
  }
}
