/// `/proc/sys/kernel/osrelease`, for the few numbers whose meaning changed from one kernel to the next.
package struct KernelRelease: Hashable, Sendable, Comparable {
  package var major: Int64
  package var minor: Int64

  package init(major: Int64, minor: Int64) {
    self.major = major
    self.minor = minor
  }

  package static func < (left: KernelRelease, right: KernelRelease) -> Bool {
    (left.major, left.minor) < (right.major, right.minor)
  }

  /// Reads `6.18.44-generic`; what follows the second number has no fixed form.
  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> KernelRelease {
    let numbers = String(decoding: bytes, as: UTF8.self).split(separator: ".", maxSplits: 2).map { $0.prefix(while: \.isNumber) }
    guard numbers.count >= 2, let major = Int64(numbers[0]), let minor = Int64(numbers[1]) else {
      throw MalformedFile(line: 1, reason: "does not begin with two numbers and a dot between them")
    }
    return KernelRelease(major: major, minor: minor)
  }
}
