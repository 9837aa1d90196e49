internal import Glibc

/// Why the spool on disk cannot be used.
package struct SpoolError: Error, Hashable, Sendable, CustomStringConvertible {
  package var description: String

  init(_ attempt: String, _ path: String, errno code: Int32) {
    description = "cannot \(attempt) \(path): \(String(cString: strerror(code)))"
  }

  init(_ description: String) {
    self.description = description
  }
}
