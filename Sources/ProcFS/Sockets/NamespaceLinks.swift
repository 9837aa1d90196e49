#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// `/proc/<pid>/ns` of one process. To read a link there takes the kernel a third as long as to look at the namespace behind it.
struct NamespaceLinks: ~Copyable {
  private let path: String
  private let descriptor: CInt
  private let failure: CInt

  /// Where the process is gone, reading a link says so.
  init(of process: borrowing Directory) {
    path = process.path + "/ns"
    descriptor = process.open("ns", Directory.pathOnly | O_DIRECTORY | O_CLOEXEC)
    failure = descriptor < 0 ? errno : 0
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The number of the namespace that the process is in, of that kind.
  func number(_ kind: String) throws(ProcFSError) -> NamespaceNumber {
    if descriptor < 0 { throw .system(.open, path: path, code: failure) }
    var text = InlineArray<64, UInt8>(repeating: 0)
    var room = text.mutableSpan
    let length = room.withUnsafeMutableBytes { bytes in
      bytes.baseAddress.map { readlinkat(descriptor, kind, $0.assumingMemoryBound(to: CChar.self), bytes.count) } ?? 0
    }
    if length < 0 {
      let code = errno
      throw .system(.status, path: path + "/" + kind, code: code)
    }
    guard let number = NamespaceNumber(link: text.span.extracting(..<length)) else {
      throw .malformed(path: path + "/" + kind, line: 1, reason: "not the link of a namespace")
    }
    return number
  }
}
