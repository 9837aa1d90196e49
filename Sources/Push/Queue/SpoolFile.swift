internal import Glibc

/// An open file of the spool, closed on release.
final class SpoolFile: Sendable {
  private let descriptor: Int32
  private let path: String

  enum Mode {
    case reading
    /// Creates the file if it does not exist.
    case writing
  }

  init(_ path: String, _ mode: Mode) throws(SpoolError) {
    self.path = path
    descriptor = Glibc.open(path, (mode == .reading ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SpoolError("open", path, errno: errno) }
  }

  deinit { close(descriptor) }

  func size() throws(SpoolError) -> Int {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw SpoolError("look at", path, errno: errno) }
    return Int(status.st_size)
  }

  /// Reads `count` bytes at the offset, or fewer at the end of the file.
  func read(at offset: Int, count: Int) throws(SpoolError) -> [UInt8] {
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset + filled))
        if got < 0, errno == EINTR { continue }
        if got < 0 { code = errno }
        if got <= 0 { break }
        filled += got
      }
    }
    guard code == 0 else { throw SpoolError("read", path, errno: code) }
    return bytes
  }

  func write(_ bytes: [UInt8], at offset: Int) throws(SpoolError) {
    var done = 0
    while done < bytes.count {
      let wrote = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset + done)) }
      if wrote < 0, errno == EINTR { continue }
      guard wrote > 0 else { throw SpoolError("write", path, errno: errno) }
      done += wrote
    }
  }

  func truncate(to size: Int) throws(SpoolError) {
    guard ftruncate(descriptor, off_t(size)) == 0 else { throw SpoolError("cut", path, errno: errno) }
  }
}

/// Why the spool cannot be used.
package struct SpoolError: Error, Hashable, Sendable, CustomStringConvertible {
  package var description: String

  init(_ attempt: String, _ path: String, errno code: Int32) {
    description = "cannot \(attempt) \(path): \(String(cString: strerror(code)))"
  }

  init(_ description: String) {
    self.description = description
  }
}
