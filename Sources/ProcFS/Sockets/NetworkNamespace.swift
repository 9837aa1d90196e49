internal import CLinux

#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// A network namespace, which stays as long as this value holds it.
package struct NetworkNamespace: ~Copyable {
  private let descriptor: CInt
  private let path: String
  package let number: NamespaceNumber

  init(in directory: borrowing Directory, name: String) throws(ProcFSError) {
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

  /// Whether the calling thread may enter namespaces at all: it enters the one that it is in, which takes the same right and changes nothing.
  /// - Throws: as `enter` does.
  package static func tryEntering() throws(ProcFSError) {
    let own = try NetworkNamespace(in: Directory("/proc/thread-self/ns"), name: "net")
    try own.enter()
  }

  /// Moves the calling thread, and no other, into the namespace. It needs CAP_SYS_ADMIN, and there is no way back without it: call it on
  /// a thread that ends soon (`OwnThread`).
  package func enter() throws(ProcFSError) {
    // Source: CLONE_NEWNET in the kernel's include/uapi/linux/sched.h.
    if setns(descriptor, 0x4000_0000) != 0 { throw .system(.enter, path: path, code: errno) }
  }
}
