#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// Memory that one file after the other is read into. One caller at a time: it belongs to the thread that sweeps.
package final class ReadBuffer {
  /// The files of one network namespace have at most about a page (netstat is just under 4 KiB); 16 KiB take them in one read.
  private static let initialSize = 16 * 1024
  /// A cgroup with a hundred thousand processes has a list of less than 1 MiB.
  static let maximumSize = 4 * 1024 * 1024

  private var memory: UnsafeMutableRawBufferPointer

  package init() {
    memory = .allocate(byteCount: Self.initialSize, alignment: 16)
  }

  /// One for small files.
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

  /// Reads from the descriptor to its end.
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

  /// Reads on from the descriptor up to the end of a line, or of the file: for files that may be larger than memory should be.
  /// - Parameter rest: what was read already and belongs to the next piece; nothing to begin with.
  /// - Returns: whole lines, the last of which may lack its line feed at the end of the file, where nothing is left afterwards; no bytes where
  ///   nothing was left.
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

  /// Reads a file from its start that the kernel gives as a whole to one read with room for it. That spares a call to find its end, and
  /// one to go back.
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

  /// Reads a list from its start, of which the kernel gives to one read as many lines as fit into a page: a read that left room for another line
  /// came to the end, which spares the call that would find it. Source: `seq_read_iter` in the kernel's fs/seq_file.c.
  func fillList(from descriptor: CInt) -> Outcome {
    // The smallest page there is, and more than any line.
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

  /// Receives one datagram whole.
  func receive(from descriptor: CInt) -> Outcome {
    // Source: `netlink_recvmsg` in the kernel's net/netlink/af_netlink.c: a dump comes in datagrams of at most 32 KiB.
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
