#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// An open directory, below which everything is found relative to its descriptor.
///
/// That is faster than whole paths, and it is what makes `/proc/<pid>` safe to read: the descriptor stands for the process itself, not
/// for its number, so that after its end every further call fails, even if the number has a new owner.
package struct Directory: ~Copyable {
  /// Holds a place without opening what is there, which may need a right that searching it does not.
  /// Source: O_PATH in the kernel's include/uapi/asm-generic/fcntl.h; the C library shows it to GNU programs only.
  static let pathOnly: CInt = 0o10_000_000

  /// For messages.
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

  /// Opens an entry of this directory; below 0, `errno` says why not.
  func open(_ name: String, _ flags: CInt) -> CInt {
    openat(descriptor, name, flags)
  }

  /// Opens a directory below this one.
  package func directory(_ name: String) throws(ProcFSError) -> Directory {
    try Directory(in: self, name: name)
  }

  /// Reads a file below this directory whole and has it parsed in place.
  package func read<Value>(
    _ name: String, into buffer: ReadBuffer, parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
  ) throws(ProcFSError) -> Value {
    try readWhole(name, below: descriptor, in: path, into: buffer, parse: parse)
  }

  /// Reads a file below this directory to its end, some whole lines at a time, and has each piece parsed in place: for one that grows with
  /// what containers do. The last piece is empty.
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

  /// Opens a file below this directory for reading. The descriptor is the caller's.
  func open(_ name: String) throws(ProcFSError) -> CInt {
    let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC)
    if file < 0 {
      let code = errno
      throw .system(.open, path: path + "/" + name, code: code)
    }
    return file
  }

  /// Whether there is an entry of that name which can be looked at.
  package func contains(_ name: String) -> Bool {
    faccessat(descriptor, name, F_OK, 0) == 0
  }

  /// Whether the directory surely has no subdirectories: those of cgroup file systems count a link for each subdirectory, `.` and the
  /// entry in the parent. File systems that do not count give 1, and then nobody knows.
  package var isLeaf: Bool {
    var status = stat()
    return fstat(descriptor, &status) == 0 && status.st_nlink == 2
  }

  /// The names of the subdirectories, in the order of the file system.
  package func subdirectories() throws(ProcFSError) -> [String] {
    // closedir closes the descriptor that it was given, so it gets one of its own.
    let own = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard own >= 0 else { throw .system(.list, path: path, code: errno) }
    guard let stream = fdopendir(own) else {
      let code = errno
      close(own)
      throw .system(.list, path: path, code: code)
    }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
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
  }
}

/// Reads a file whole and has it parsed in place: for a single file, without a descriptor for its directory.
package func readFile<Value>(
  _ path: String, into buffer: ReadBuffer, parse: (UnsafeRawBufferPointer) throws(MalformedFile) -> Value
) throws(ProcFSError) -> Value {
  try readWhole(path, below: AT_FDCWD, in: nil, into: buffer, parse: parse)
}

/// - Parameter folder: the directory's path for messages, which are put together only when there is one; `nil` if the name is a path.
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
  /// What the parser makes of it.
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
