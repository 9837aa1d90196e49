import Foundation
import Synchronization
import TestSupport
import Testing

/// A thread in its own network namespace, which lives until `stop`.
final class NamespaceThread: Sendable {
  let identifier: Int32
  private let gate: Gate

  static let isPermitted: Bool = {
    guard let thread = try? NamespaceThread({ LoopbackSockets() }) else { return false }
    thread.stop()
    return true
  }()

  /// Runs `prepare` in the namespace and keeps its sockets open.
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

/// Moves only the calling thread. The function is looked up because the C library declares it only under _GNU_SOURCE.
private func enterNewNetworkNamespace() throws {
  let symbol = try #require(dlsym(nil, "unshare"))
  let unshare = unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
  // Source: CLONE_NEWNET in the kernel's include/uapi/linux/sched.h.
  guard unshare(0x4000_0000) == 0 else { throw POSIXError(POSIXErrorCode(rawValue: errno) ?? .EPERM) }
}

/// The calling thread's ID, from the link `/proc/thread-self`, which is `<pid>/task/<tid>`.
private func threadIdentifier() -> Int32 {
  let link = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
  return link?.split(separator: "/").last.flatMap { Int32($0) } ?? 0
}
