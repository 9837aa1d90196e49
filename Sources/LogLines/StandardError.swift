internal import Glibc
internal import Synchronization

private let isWriting = Mutex(())

/// Writes a line as a whole: lines of several threads are not mixed. What cannot be written is lost, since nobody is left to tell.
func writeToStandardError(_ line: String) {
  isWriting.withLock { _ in
    var text = line + "\n"
    text.withUTF8 { bytes in
      var rest = bytes[...]
      while !rest.isEmpty {
        let count = write(STDERR_FILENO, UnsafeBufferPointer(rebasing: rest).baseAddress, rest.count)
        if count > 0 {
          rest = rest.dropFirst(count)
        } else if errno != EINTR {
          return
        }
      }
    }
  }
}
