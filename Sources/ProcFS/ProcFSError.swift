internal import Glibc

/// An error reading a kernel file, a directory or a socket.
package enum ProcFSError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A system call failed; `code` is its `errno`.
  case system(Operation, path: String, code: CInt)
  /// The file does not have the form that the kernel documents. Lines count from 1.
  case malformed(path: String, line: Int, reason: String)
  /// The file is longer than `limit` bytes.
  case tooLarge(path: String, limit: Int)
  /// The server at the socket sent an invalid or negative response.
  case unexpectedResponse(path: String, reason: String)

  package enum Operation: String, Hashable, Sendable {
    case open, read, list, watch, connect, enter, send, receive
    case status = "stat"
  }

  /// Whether the process or directory does not exist, or ended during the read.
  /// Files of a process that ended give ESRCH, those of a removed cgroup ENODEV, all others ENOENT.
  package var isGone: Bool {
    switch self {
    case .system(_, _, let code): code == ENOENT || code == ESRCH || code == ENODEV
    case .malformed, .tooLarge, .unexpectedResponse: false
    }
  }

  /// An error that `isGone`, for a process or mount that was replaced by another one while every call succeeded.
  package static func gone(_ what: String) -> ProcFSError {
    .system(.status, path: what, code: ESRCH)
  }

  /// Whether the file does not support the operation: a threaded cgroup has no list of processes.
  package var isNotSupported: Bool {
    switch self {
    case .system(_, _, let code): code == EOPNOTSUPP
    case .malformed, .tooLarge, .unexpectedResponse: false
    }
  }

  package var isPermissionDenied: Bool {
    switch self {
    case .system(_, _, let code): code == EACCES || code == EPERM
    case .malformed, .tooLarge, .unexpectedResponse: false
    }
  }

  package var description: String {
    switch self {
    case .system(let operation, let path, let code): "\(operation.rawValue) \(path): \(String(cString: strerror(code)))"
    case .malformed(let path, let line, let reason): "\(path) line \(line): \(reason)"
    case .tooLarge(let path, let limit): "\(path): longer than \(limit) bytes"
    case .unexpectedResponse(let path, let reason): "\(path): \(reason)"
    }
  }
}

/// A parser's error. Parsers see only bytes; the caller that read the file adds its path.
package struct MalformedFile: Error, Hashable, Sendable {
  /// From 1.
  package var line: Int
  package var reason: String

  package init(line: Int, reason: String) {
    self.line = line
    self.reason = reason
  }
}
