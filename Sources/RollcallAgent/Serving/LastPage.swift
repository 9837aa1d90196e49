import Exposition
import LinuxCollector
import Roll
import Synchronization

/// The page that was made last, for those who come for the same sweep in the same format.
final class LastPage: Sendable {
  private struct Key: Equatable {
    /// When the sweep began.
    var sweptAt: Moment
    var state: AgentState
    var format: ExpositionFormat
  }

  private let last = Mutex<(key: Key, page: CompressedPage)?>(nil)

  /// - Parameter make: not called under a lock: two who come at the same moment may both make it.
  func page(of sweep: Sweep, _ state: AgentState, _ format: ExpositionFormat, or make: () -> CompressedPage?) -> CompressedPage? {
    let key = Key(sweptAt: sweep.startedAt, state: state, format: format)
    if let page = last.withLock({ $0?.key == key ? $0?.page : nil }) { return page }
    guard let page = make() else { return nil }
    last.withLock { $0 = (key, page) }
    return page
  }
}
