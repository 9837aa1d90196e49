internal import CCurl
internal import Glibc
internal import Synchronization

/// How others tell the transport's thread what to do: a list of commands, and an eventfd that wakes the thread.
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

  /// Readable where there is something to do.
  let wakeDescriptor: Int32
  private let state = Mutex(State())

  init() throws(HTTPTransportError) {
    wakeDescriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeDescriptor >= 0 else { throw .setUp("eventfd: \(systemMessage(errno))") }
  }

  deinit { Glibc.close(wakeDescriptor) }

  /// Returns false where the mailbox is closed: nobody will act on the command.
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

  /// No command is taken after it; the thread ends everything.
  func close() {
    let wasClosed = state.withLock { state in
      defer { state.isClosed = true }
      return state.isClosed
    }
    if !wasClosed { wake() }
  }

  /// All commands in the order posted, and whether these are the last. For the thread alone.
  func takeAll() -> (commands: [Command], isClosed: Bool) {
    var count: UInt64 = 0
    // Fails where nobody woke us, which is no matter: commands are looked for in any case.
    _ = read(wakeDescriptor, &count, 8)
    return state.withLock { state in
      defer { state.commands = [] }
      return (state.commands, state.isClosed)
    }
  }

  private func wake() {
    var one: UInt64 = 1
    // Can only fail where the counter is full, that is, where the thread is awake already.
    _ = write(wakeDescriptor, &one, 8)
  }
}

/// The system's words for an `errno`.
func systemMessage(_ number: Int32) -> String {
  String(cString: strerror(number))
}
