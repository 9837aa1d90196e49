internal import CLinux
internal import Glibc

/// Identifies a namespace of this host while the namespace lives. The kernel reuses the number afterwards.
package struct NamespaceNumber: Hashable, Sendable {
  package var inode: UInt64

  package init(_ inode: UInt64) {
    self.inode = inode
  }

  /// Parses the text of a link in `/proc/<pid>/ns`: `net:[4026531840]`. Source: namespaces(7).
  fileprivate init?(link: Span<UInt8>) {
    var index = 0
    while index < link.count, link[index] != UInt8(ascii: "[") { index += 1 }
    let start = index + 1
    var number: UInt64 = 0
    index = start
    while index < link.count, UInt8(ascii: "0") <= link[index], link[index] <= UInt8(ascii: "9") {
      number = number &* 10 &+ UInt64(link[index] - UInt8(ascii: "0"))
      index += 1
    }
    guard index > start, index == link.count - 1, link[index] == UInt8(ascii: "]") else { return nil }
    inode = number
  }
}

/// `/proc/<pid>/ns` of one process. Reading a link takes the kernel a third of the time of a stat of the namespace behind it.
struct NamespaceLinks: ~Copyable {
  private let path: String
  private let descriptor: CInt
  private let openError: CInt

  /// Does not throw: if the directory cannot be opened, `number` does.
  init(of process: borrowing Directory) {
    path = process.path + "/ns"
    descriptor = process.open("ns", Directory.pathOnly | O_DIRECTORY | O_CLOEXEC)
    openError = descriptor < 0 ? errno : 0
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The process's namespace of one kind, such as `net`.
  fileprivate func number(_ kind: String) throws(ProcFSError) -> NamespaceNumber {
    if descriptor < 0 { throw .system(.open, path: path, code: openError) }
    var text = InlineArray<64, UInt8>(repeating: 0)
    var span = text.mutableSpan
    let length = span.withUnsafeMutableBytes { bytes in
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

/// An open network namespace. The namespace lives at least as long as this value.
package struct NetworkNamespace: ~Copyable {
  private let descriptor: CInt
  private let path: String
  package let number: NamespaceNumber

  fileprivate init(in directory: borrowing Directory, name: String) throws(ProcFSError) {
    let opened = try directory.open(name)
    var status = stat()
    if fstat(opened, &status) != 0 {
      let code = errno
      close(opened)
      throw .system(.status, path: directory.path + "/" + name, code: code)
    }
    descriptor = opened
    path = directory.path + "/" + name
    number = NamespaceNumber(UInt64(status.st_ino))
  }

  deinit {
    close(descriptor)
  }

  /// Checks that the calling thread may enter namespaces, by entering the one it is in: this needs the same capability and changes nothing.
  /// - Throws: the same errors as `enter`.
  package static func checkPermissionToEnter() throws(ProcFSError) {
    let own = try NetworkNamespace(in: Directory("/proc/thread-self/ns"), name: "net")
    try own.enter()
  }

  /// Moves the calling thread, and no other, into the namespace. Requires CAP_SYS_ADMIN, and so does leaving it again: call it on a thread
  /// that ends soon.
  package func enter() throws(ProcFSError) {
    // Source: CLONE_NEWNET in the kernel's include/uapi/linux/sched.h.
    if setns(descriptor, 0x4000_0000) != 0 { throw .system(.enter, path: path, code: errno) }
  }
}

extension ProcessDirectory {
  /// The process's network namespace. Requires PTRACE_MODE_READ_FSCREDS (ptrace(2)).
  package func networkNamespace() throws(ProcFSError) -> NamespaceNumber {
    try namespaces.number("net")
  }

  /// Opens the process's network namespace. Requires PTRACE_MODE_READ_FSCREDS.
  package func openNetworkNamespace() throws(ProcFSError) -> NetworkNamespace {
    try NetworkNamespace(in: directory, name: "ns/net")
  }
}
