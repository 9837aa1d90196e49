internal import Glibc

/// A reusable buffer for reading files. Not thread-safe: each thread that reads has its own.
package final class ReadBuffer {
  /// Enough to read each file of a network namespace in one read: the largest, netstat, is just under 4 KiB.
  private static let initialSize = 16 * 1024
  /// The process list of a cgroup with 100,000 processes is under 1 MiB.
  static let maximumSize = 4 * 1024 * 1024

  private var memory: UnsafeMutableRawBufferPointer

  package init() {
    memory = .allocate(byteCount: Self.initialSize, alignment: 16)
  }

  init(initialSize: Int) {
    memory = .allocate(byteCount: initialSize, alignment: 16)
  }

  deinit {
    memory.deallocate()
  }

  enum Outcome {
    /// Valid until the next `fill`.
    case bytes(UnsafeRawBufferPointer)
    case failed(CInt)
    case tooLarge
  }

  /// Reads from the descriptor's offset to the end of the file.
  func fill(from descriptor: CInt) -> Outcome {
    var count = 0
    while true {
      if count == memory.count, !grow() { return .tooLarge }
      let got = read(descriptor, memory.baseAddress.map { $0 + count }, memory.count - count)
      if got < 0 {
        if errno == EINTR { continue }
        return .failed(errno)
      }
      if got == 0 { return .bytes(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
      count += got
    }
  }

  /// Reads the next whole lines from the descriptor, for files that should not be held in memory as a whole.
  /// - Parameter rest: the start of a line that the previous call read; empty at first.
  /// - Returns: whole lines. The last line of the file may lack its line feed. No bytes at the end of the file.
  func fillLines(from descriptor: CInt, _ rest: inout Range<Int>) -> Outcome {
    var count = rest.count
    memory.copyMemory(from: UnsafeRawBufferPointer(rebasing: memory[rest]))
    while true {
      if count == memory.count, !grow() { return .tooLarge }
      let got = read(descriptor, memory.baseAddress.map { $0 + count }, memory.count - count)
      if got < 0 {
        if errno == EINTR { continue }
        return .failed(errno)
      }
      count += got
      let bytes = UnsafeRawBufferPointer(rebasing: memory[..<count])
      let end = got == 0 ? count : bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
      if end == 0, got > 0 { continue }
      rest = end..<count
      return .bytes(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    }
  }

  /// Rereads a file that the kernel returns whole to one read of sufficient size. This saves the read that finds the end, and the seek.
  func fillAtOnce(from descriptor: CInt) -> Outcome {
    while true {
      let got = pread(descriptor, memory.baseAddress, memory.count, 0)
      if got < 0 {
        if errno == EINTR { continue }
        return .failed(errno)
      }
      if got < memory.count { return .bytes(UnsafeRawBufferPointer(rebasing: memory[..<got])) }
      if !grow() { return .tooLarge }
    }
  }

  /// Rereads a file whose reads each return as many lines as fit into a page. A read that leaves space for another line is the last one,
  /// which saves the read that finds the end. Source: `seq_read_iter` in the kernel's fs/seq_file.c.
  func fillList(from descriptor: CInt) -> Outcome {
    // The smallest page size, and an upper bound of a line's length.
    let (page, line) = (4096, 512)
    var count = 0
    while true {
      if memory.count - count < page, !grow() { return .tooLarge }
      let got = pread(descriptor, memory.baseAddress.map { $0 + count }, memory.count - count, off_t(count))
      if got < 0 {
        if errno == EINTR { continue }
        return .failed(errno)
      }
      count += got
      if got + line <= page { return .bytes(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
    }
  }

  /// Receives one datagram.
  func receive(from descriptor: CInt) -> Outcome {
    // A dump's datagrams have at most 32 KiB. Source: `netlink_recvmsg` in the kernel's net/netlink/af_netlink.c.
    while memory.count < 32 * 1024 {
      if !grow() { return .tooLarge }
    }
    while true {
      let got = recv(descriptor, memory.baseAddress, memory.count, CInt(MSG_TRUNC))
      if got < 0 {
        if errno == EINTR { continue }
        return .failed(errno)
      }
      return got <= memory.count ? .bytes(UnsafeRawBufferPointer(rebasing: memory[..<got])) : .tooLarge
    }
  }

  private func grow() -> Bool {
    guard memory.count < Self.maximumSize else { return false }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: memory.count * 2, alignment: 16)
    larger.copyMemory(from: UnsafeRawBufferPointer(memory))
    memory.deallocate()
    memory = larger
    return true
  }
}
