/// The kernel's `/proc`, or a directory tree of the same form.
package struct ProcFS: Hashable, Sendable {
  /// The mount point. A container usually has the host's `/proc` mounted elsewhere.
  package let root: String

  package init(root: String = "/proc") {
    self.root = root
  }

  /// Opens `/proc/<pid>`. Every later read is of this process or fails, even after its number is reused.
  package func process(_ identifier: Int32) throws(ProcFSError) -> ProcessDirectory {
    ProcessDirectory(try Directory("\(root)/\(identifier)"))
  }

  /// Runs `body` on process 1, which is in the host's namespaces and root directory. Where a security module denies access to it, uses
  /// kthreadd, which is in the same ones.
  package func withHostProcess<Result>(
    _ buffer: ReadBuffer, _ body: (borrowing ProcessDirectory) throws(ProcFSError) -> Result
  ) throws(ProcFSError) -> Result {
    do {
      return try body(try process(1))
    } catch {
      // kthreadd is process 2, but only in the host's PID namespace.
      guard error.isPermissionDenied, let second = try? process(2), (try? second.stat(buffer).isKernelThread) == true else { throw error }
      return try body(second)
    }
  }

  package func kernelRelease(_ buffer: ReadBuffer) throws(ProcFSError) -> KernelRelease {
    try Directory(root).read("sys/kernel/osrelease", into: buffer, parse: KernelRelease.parse)
  }
}

/// `/proc/<pid>` of one process.
package struct ProcessDirectory: ~Copyable {
  /// File descriptors that one directory holds open.
  package static let descriptors = 2

  let directory: Directory
  let namespaces: NamespaceLinks

  fileprivate init(_ directory: consuming Directory) {
    namespaces = NamespaceLinks(of: directory)
    self.directory = directory
  }

  /// A thread of the process that lives, if the process's first thread has ended; otherwise `nil`.
  ///
  /// A process whose first thread has ended is a zombie that has no namespaces and no files, while its other threads run on. The directory
  /// of each thread has the same entries as that of a process.
  package func liveThread(_ buffer: ReadBuffer) -> ProcessDirectory? {
    do {
      _ = try networkNamespace()
      return nil
    } catch {
      guard error.isGone, let tasks = try? self.directory.directory("task"), let threads = try? tasks.subdirectories() else { return nil }
      for thread in threads {
        guard let directory = try? tasks.directory(thread) else { continue }
        let process = ProcessDirectory(directory)
        if (try? process.networkNamespace()) != nil { return process }
      }
      return nil
    }
  }

  /// The name of the process's program, without its directory and cut to 15 bytes.
  package func command(_ buffer: ReadBuffer) throws(ProcFSError) -> String {
    try directory.read("comm", into: buffer) { bytes throws(MalformedFile) in
      String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
  }

  /// The first argument that the process's program was given, by convention its name. Empty for a kernel thread and a zombie.
  package func firstArgument(_ buffer: ReadBuffer) throws(ProcFSError) -> String {
    try directory.read("cmdline", into: buffer) { bytes throws(MalformedFile) in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}

/// `/proc/sys/kernel/osrelease`, for the few fields whose meaning depends on the kernel version.
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

  /// Parses `6.18.44-generic`. The text after the second number has no fixed form.
  package static func parse(_ bytes: UnsafeRawBufferPointer) throws(MalformedFile) -> KernelRelease {
    let numbers = String(decoding: bytes, as: UTF8.self).split(separator: ".", maxSplits: 2).map { $0.prefix(while: \.isNumber) }
    guard numbers.count >= 2, let major = Int64(numbers[0]), let minor = Int64(numbers[1]) else {
      throw MalformedFile(line: 1, reason: "does not begin with two numbers separated by a dot")
    }
    return KernelRelease(major: major, minor: minor)
  }
}
