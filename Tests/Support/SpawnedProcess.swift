internal import CLinux
internal import Foundation
internal import Synchronization

/// A child process that inherits only its three standard streams, all of them files.
///
/// Not Foundation's `Process`: a program that another thread starts at the same moment can inherit the socket by which that class waits, or
/// the pipe of its output. It then waits for that program, too, and for ever if that one is a daemon.
package final class SpawnedProcess: Sendable {
  package let processIdentifier: Int32
  /// `nil` until the kernel is asked after the process has ended.
  private let status = Mutex<Int32?>(nil)

  /// Starts an executable in a process group of its own. Its standard input is empty; `environment` is added to the test's own; the output
  /// files are created or emptied, and are one file if `errorPath` is `nil`.
  /// - Throws: `ExternalProgramError` if it cannot be started.
  package init(
    _ executable: String, _ arguments: [String], environment: [String: String] = [:], directory: String? = nil, outputPath: String,
    errorPath: String? = nil
  ) throws(ExternalProgramError) {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    let flags = O_WRONLY | O_CREAT | O_TRUNC | O_APPEND
    posix_spawn_file_actions_addopen(&actions, 1, outputPath, flags, 0o644)
    if let errorPath {
      posix_spawn_file_actions_addopen(&actions, 2, errorPath, flags, 0o644)
    } else {
      posix_spawn_file_actions_adddup2(&actions, 1, 2)
    }
    posix_spawn_file_actions_addclosefrom_np(&actions, 3)
    if let directory { posix_spawn_file_actions_addchdir_np(&actions, directory) }

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))

    let variables = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }.map { "\($0)=\($1)" }
    var identifier: pid_t = 0
    let error = withCStrings([executable] + arguments) { arguments in
      withCStrings(variables) { posix_spawn(&identifier, executable, &actions, &attributes, arguments, $0) }
    }
    guard error == 0 else {
      throw ExternalProgramError(description: "\(executable) cannot be started: \(String(cString: strerror(error)))")
    }
    processIdentifier = identifier
  }

  /// The exit status, or the signal that ended it; `nil` while it runs.
  package var exitStatus: Int32? { collect(waiting: false) }

  /// Blocks the thread until it has ended.
  /// - Returns: the exit status, or the signal that ended it.
  @discardableResult
  package func wait() -> Int32 {
    while true {
      if let status = collect(waiting: true) { return status }
    }
  }

  package func send(signal: Int32) {
    // The lock keeps the identifier ours: it may belong to another process once the status is collected.
    status.withLock { if $0 == nil { kill(processIdentifier, signal) } }
  }

  private func collect(waiting: Bool) -> Int32? {
    // Outside the lock, so that signals can be sent in the meantime.
    if waiting {
      var information = siginfo_t()
      _ = waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOWAIT)
    }
    return status.withLock { status in
      if let status { return status }
      var information = siginfo_t()
      let found = waitid(P_PID, id_t(processIdentifier), &information, WEXITED | WNOHANG)
      guard found == 0, information.si_signo == SIGCHLD else { return nil }
      status = information._sifields._sigchld.si_status
      return status
    }
  }
}

/// Calls `body` with a null-terminated array of C strings.
private func withCStrings<Result>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result) -> Result {
  let copies = strings.map { strdup($0) }
  defer { for copy in copies { free(copy) } }
  return body(copies + [nil])
}
