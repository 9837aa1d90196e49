internal import CCurl
internal import Glibc
internal import Synchronization

/// Commands for the transport's thread, with an eventfd that wakes it.
final class Mailbox: Sendable {
  enum Command {
    case start(PreparedRequest, Exchange)
    case cancel(Exchange)
    case resume(Exchange)
  }

  private struct State {
    var commands: [Command] = []
    var isClosed = false
  }

  /// Readable when there are commands.
  let wakeDescriptor: Int32
  private let state = Mutex(State())

  init() throws(HTTPTransportError) {
    wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeDescriptor >= 0 else { throw .setUp("eventfd: \(systemMessage(errno))") }
  }

  deinit { Glibc.close(wakeDescriptor) }

  /// Returns false and drops the command if the mailbox is closed.
  @discardableResult
  func post(_ command: Command) -> Bool {
    let (isTaken, isFirst) = state.withLock { state in
      guard !state.isClosed else { return (false, false) }
      state.commands.append(command)
      return (true, state.commands.count == 1)
    }
    if isFirst { wake() }
    return isTaken
  }

  /// Rejects further commands and makes the thread end all transfers.
  func close() {
    let wasClosed = state.withLock { state in
      defer { state.isClosed = true }
      return state.isClosed
    }
    if !wasClosed { wake() }
  }

  /// Removes and returns all commands in order, and whether they are the last. Called by the transport's thread only.
  func takeAll() -> (commands: [Command], isClosed: Bool) {
    var count: UInt64 = 0
    // Fails if the counter is zero, which does not matter.
    _ = read(wakeDescriptor, &count, 8)
    return state.withLock { state in
      defer { state.commands = [] }
      return (state.commands, state.isClosed)
    }
  }

  private func wake() {
    var one: UInt64 = 1
    // Can only fail if the counter is at its maximum, when the descriptor is readable anyway.
    _ = write(wakeDescriptor, &one, 8)
  }
}

/// The message of strerror(3).
func systemMessage(_ number: Int32) -> String {
  String(cString: strerror(number))
}
