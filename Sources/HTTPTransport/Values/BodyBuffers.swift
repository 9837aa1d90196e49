internal import Synchronization

/// Memory for bodies, used again and again: for who sends many requests whose answers are read and let go. As many buffers as there are
/// transfers in flight, each of which has grown to what the largest of its bodies needed.
package final class BodyBuffers: Sendable {
  /// Who grew beyond it for one body goes: the others are unlikely to need so much.
  private static let largest = 1 << 20

  private let limit: Int
  private let free = Mutex<[[UInt8]]>([])

  /// - Parameter limit: how many buffers are kept.
  package init(limit: Int) {
    self.limit = limit
  }

  func take() -> [UInt8] {
    var buffer = free.withLock { $0.popLast() } ?? []
    buffer.removeAll(keepingCapacity: true)
    return buffer
  }

  /// Takes the body out of an answer that has been read.
  package func giveBack(_ response: inout HTTPResponse) {
    var buffer: [UInt8] = []
    swap(&buffer, &response.body)
    guard (1...Self.largest).contains(buffer.capacity) else { return }
    free.withLock { free in
      if free.count < limit { free.append(buffer) }
    }
  }

  /// Lets all of the memory go that is not in use.
  package func releaseAll() {
    free.withLock { $0 = [] }
  }
}
