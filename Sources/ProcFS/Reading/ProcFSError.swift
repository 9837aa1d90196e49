#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Why a file or directory of the kernel gave no answer.
package enum ProcFSError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A call failed; `code` is its `errno`.
  case system(Operation, path: String, code: CInt)
  /// The file is not in the form that the kernel documents. Lines count from 1.
  case malformed(path: String, line: Int, reason: String)
  /// The file is longer than anything that we are ready to read.
  case tooLarge(path: String, limit: Int)
  /// What is behind the socket does not answer as it should.
  case unexpectedAnswer(path: String, reason: String)

  package enum Operation: String, Hashable, Sendable {
    case open, read, list, watch, connect, enter, send, receive
    case status = "stat"
  }

  /// The process or directory went while it was read, or was never there.
  /// A file of a process that ended gives ESRCH, one of a removed cgroup ENODEV, everything else ENOENT.
  package var isGone: Bool {
    switch self {
    case .system(_, _, let code): code == ENOENT || code == ESRCH || code == ENODEV
    case .malformed, .tooLarge, .unexpectedAnswer: false
    }
  }

  /// What was there when we began is not what is there now, although every call succeeded.
  package static func gone(_ what: String) -> ProcFSError {
    .system(.status, path: what, code: ESRCH)
  }

  /// The file does not do what was asked: a threaded cgroup keeps no list of processes.
  package var isNotSupported: Bool {
    switch self {
    case .system(_, _, let code): code == EOPNOTSUPP
    case .malformed, .tooLarge, .unexpectedAnswer: false
    }
  }

  /// The caller may not look at it.
  package var isPermissionDenied: Bool {
    switch self {
    case .system(_, _, let code): code == EACCES || code == EPERM
    case .malformed, .tooLarge, .unexpectedAnswer: false
    }
  }

  package var description: String {
    switch self {
    case .system(let operation, let path, let code): "\(operation.rawValue) \(path): \(String(cString: strerror(code)))"
    case .malformed(let path, let line, let reason): "\(path) line \(line): \(reason)"
    case .tooLarge(let path, let limit): "\(path): longer than \(limit) bytes"
    case .unexpectedAnswer(let path, let reason): "\(path): \(reason)"
    }
  }
}

/// What a parser found wrong. The parser sees bytes and knows no path: the reader of the file adds it.
package struct MalformedFile: Error, Hashable, Sendable {
  package var line: Int
  package var reason: String

  package init(line: Int, reason: String) {
    self.line = line
    self.reason = reason
  }
}
