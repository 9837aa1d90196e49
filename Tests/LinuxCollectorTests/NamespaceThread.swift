import Foundation
import Synchronization
import TestSupport
import Testing

/// A thread in a network namespace of its own, which lives until it is stopped.
final class NamespaceThread: Sendable {
  let identifier: Int32
  private let gate: Gate

  static let isPermitted: Bool = {
    guard let thread = try? NamespaceThread({ LoopbackSockets() }) else { return false }
    thread.stop()
    return true
  }()

  /// Runs `prepare` in the namespace and keeps what it returns open.
  init(_ prepare: @escaping @Sendable () throws -> LoopbackSockets) throws {
    let gate = Gate()
    let ready = Gate()
    let outcome = Mutex<Result<Int32, any Error>>(.failure(CancellationError()))
    let thread = Thread {
      let result = Result {
        try enterNewNetworkNamespace()
        return try prepare()
      }
      outcome.withLock { $0 = result.map { _ in threadIdentifier() } }
      ready.open()
      if case .success(let sockets) = result {
        _ = gate.wait(limit: 600)
        sockets.close()
      }
    }
    thread.start()
    _ = ready.wait()
    identifier = try outcome.withLock { $0 }.get()
    self.gate = gate
  }

  func stop() {
    gate.open()
  }
}

/// Moves the calling thread alone. Swift's import of the C library leaves the call out (it wants _GNU_SOURCE), so it is looked up.
private func enterNewNetworkNamespace() throws {
  let symbol = try #require(dlsym(nil, "unshare"))
  let unshare = unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
  // Source: CLONE_NEWNET in the kernel's include/uapi/linux/sched.h.
  guard unshare(0x4000_0000) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
}

/// The number under which `/proc` has the calling thread: its link `thread-self` is `<pid>/task/<tid>`.
private func threadIdentifier() -> Int32 {
  let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
  return link?.split(separator: "/").last.flatMap { Int32($0) } ?? 0
}
