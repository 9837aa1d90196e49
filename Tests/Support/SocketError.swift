internal import Foundation

/// A system call of the test servers that failed, with the system's words for why.
package struct SocketError: Error, CustomStringConvertible {
  package let description: String

  init(_ call: String) {
    description = "\(call): \(String(cString: strerror(errno)))"
  }

  init(saying what: String) {
    description = what
  }
}
