internal import Glibc

/// An open directory. Entries are opened relative to its descriptor.
///
/// This is faster than full paths, and it makes `/proc/<pid>` safe to read: the descriptor refers to the process, not to its number, so
/// once the process has ended every call fails, even if the number is reused.
package struct Directory: ~Copyable {
  /// O_PATH: refers to a file without opening it, which needs no permission on the file itself.
  /// Source: the kernel's include/uapi/asm-generic/fcntl.h. The C library declares it only under _GNU_SOURCE.
  static let pathOnly: CInt = 0o10_000_000

  /// For error messages.
  package let path: String
  private let descriptor: CInt

  package init(_ path: String) throws(ProcFSError) {
    self.path = path
    descriptor = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor < 0 { throw .system(.open, path: path, code: errno) }
  }

  private init(in parent: borrowing Directory, name: String) throws(ProcFSError) {
    path = parent.path + "/" + name
    descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if descriptor < 0 { throw .system(.open, path: path, code: errno) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Opens an entry of this directory, as openat(2). A negative result is an error, with `errno` set.
  func open(_ name: String, _ flags: CInt) -> CInt {
    openat(descriptor, name, flags)
  }

  package func directory(_ name: String) throws(ProcFSError) -> Directory {
    try Directory(in: self, name: name)
  }

  /// Reads a whole file below this directory and parses it in place.
  package func read<Value>(
    _ name: String, into buffer: ReadBuffer, parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
  ) throws(ProcFSError) -> Value {
    try readWhole(name, below: descriptor, in: path, into: buffer, parse: parse)
  }

  /// Reads a file below this directory in pieces of whole lines and parses each in place, for files whose size containers control. The last
  /// piece is empty.
  package func readLines(
    _ name: String, into buffer: ReadBuffer, parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Void
  ) throws(ProcFSError) {
    let file = try open(name)
    defer { close(file) }
    var rest = 0..<0
    var isAtEnd = false
    while !isAtEnd {
      isAtEnd = try buffer.fillLines(from: file, &rest).parsed(path + "/" + name) { bytes throws(MalformedFile) in
        try parse(bytes)
        return bytes.isEmpty
      }
    }
  }

  /// Opens a file below this directory for reading. The caller closes the descriptor.
  func open(_ name: String) throws(ProcFSError) -> CInt {
    let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC)
    if file < 0 {
      let code = errno
      throw .system(.open, path: path + "/" + name, code: code)
    }
    return file
  }

  package func contains(_ name: String) -> Bool {
    faccessat(descriptor, name, F_OK, 0) == 0
  }

  /// Whether the directory certainly has no subdirectories. On cgroup file systems the link count is 2 plus the number of subdirectories.
  /// File systems that do not count links report 1, which proves nothing.
  package var isLeaf: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_nlink == 2
  }

  /// The names of the first `limit` subdirectories, in readdir order.
  package func subdirectories(limit: Int = .max) throws(ProcFSError) -> [String] {
    // closedir closes the descriptor, so it needs a separate one.
    let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0 else { throw .system(.list, path: path, code: errno) }
    guard let stream = fdopendir(own) else {
      let code = errno
      close(own)
      throw .system(.list, path: path, code: code)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while names.count < limit {
      errno = 0
      guard let entry = readdir(stream) else {
        if errno != 0 { throw .system(.list, path: path, code: errno) }
        return names
      }
      guard entry.pointee.d_type == UInt8(DT_DIR) else { continue }
      let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
        tuple.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: tuple.pointee)) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}

/// Reads a whole file by its full path and parses it in place.
package func readFile<Value>(
  _ path: String, into buffer: ReadBuffer, parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
) throws(ProcFSError) -> Value {
  try readWhole(path, below: AT_FDCWD, in: nil, into: buffer, parse: parse)
}

/// - Parameter folder: the directory's path for error messages; `nil` if `name` is a full path. The two are joined only on an error.
private func readWhole<Value>(
  _ name: String, below directory: CInt, in folder: String?, into buffer: ReadBuffer,
  parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
) throws(ProcFSError) -> Value {
  var path: String { folder.map { $0 + "/" + name } ?? name }
  let file = openat(directory, name, O_RDONLY | O_CLOEXEC)
  if file < 0 {
    let code = errno
    throw .system(.open, path: path, code: code)
  }
  defer { close(file) }
  return try buffer.fill(from: file).parsed(path, parse)
}

extension ReadBuffer.Outcome {
  /// Parses the bytes, or throws the error of the read.
  func parsed<Value>(
    _ path: @autoclosure () -> String, _ parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
  ) throws(ProcFSError) -> Value {
    switch self {
    case .failed(let code): throw .system(.read, path: path(), code: code)
    case .tooLarge: throw .tooLarge(path: path(), limit: ReadBuffer.maximumSize)
    case .bytes(let bytes):
      do {
        return try parse(bytes)
      } catch {
        throw .malformed(path: path(), line: error.line, reason: error.reason)
      }
    }
  }
}
