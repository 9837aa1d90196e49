#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A kernel file that stays open, to be read from its beginning again and again. The kernel writes it anew each time.
///
/// For the small files of `/proc/<pid>/net` opening and closing costs more than reading. One that is open belongs to the network namespace
/// that the process was in, whatever becomes of the process, and keeps that namespace alive.
package final class HeldFile {
  private let descriptor: CInt
  private let path: String
  private let isList: Bool
  private var isAtStart = true

  /// - Parameter isList: whether the kernel writes the file line by line and not as a whole, so that its end may have to be looked for.
  init(in directory: borrowing Directory, name: String, isList: Bool = false) throws(ProcFSError) {
    self.isList = isList
    descriptor = try directory.open(name)
    path = directory.path + "/" + name
  }

  deinit {
    close(descriptor)
  }

  package func read<Value>(
    into buffer: ReadBuffer, parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
  ) throws(ProcFSError) -> Value {
    if isList { return try buffer.fillList(from: descriptor).parsed(path, parse) }
    if !isAtStart { return try buffer.fillAtOnce(from: descriptor).parsed(path, parse) }
    isAtStart = false
    return try buffer.fill(from: descriptor).parsed(path, parse)
  }
}
