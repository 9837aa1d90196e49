internal import Glibc

/// Reports subdirectories created in and removed from watched directories, by inotify(7). Each watch takes about 1 KiB of kernel memory,
/// and each user's watches are limited (`fs.inotify.max_user_watches`).
package struct DirectoryChanges: ~Copyable {
  private let descriptor: CInt
  private var memory: UnsafeMutableRawBufferPointer

  /// Identifies a watched directory. Never reused for another one.
  package struct Watch: Hashable, Sendable {
    fileprivate var number: CInt
  }

  package enum Change: Hashable, Sendable {
    case appeared(String, in: Watch)
    case disappeared(String, in: Watch)
    /// The kernel's event queue overflowed: some changes were dropped.
    case lost
  }

  /// - Throws: EMFILE if the user has no inotify instance left.
  package init() throws(ProcFSError) {
    descriptor = inotify_init1(CInt(IN_NONBLOCK | IN_CLOEXEC))
    memory = .allocate(byteCount: 16 * 1024, alignment: MemoryLayout<inotify_event>.alignment)
    if descriptor < 0 { throw .system(.watch, path: "inotify", code: errno) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    memory.deallocate()
  }

  /// Watches one directory, not its subdirectories. Only later changes are reported, so watch first and list afterwards.
  package func watch(_ path: String) throws(ProcFSError) -> Watch {
    let events = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW
    let number = inotify_add_watch(descriptor, path, UInt32(events))
    if number < 0 { throw .system(.watch, path: path, code: errno) }
    return Watch(number: number)
  }

  /// Ends a watch. Removing a directory ends its watch by itself; renaming it does not.
  package func end(_ watch: Watch) {
    inotify_rm_watch(descriptor, watch.number)
  }

  /// The changes since the last call, in order. Does not block.
  package func take() throws(ProcFSError) -> [Change] {
    var changes: [Change] = []
    while true {
      let count = read(descriptor, memory.baseAddress, memory.count)
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return changes }
      if count < 0 { throw .system(.read, path: "inotify", code: errno) }
      append(UnsafeRawBufferPointer(rebasing: memory[..<count]), to: &changes)
    }
  }

  private func append(_ bytes: UnsafeRawBufferPointer, to changes: inout [Change]) {
    var rest = bytes
    let headerSize = MemoryLayout<inotify_event>.size
    while rest.count >= headerSize {
      let header = rest.loadUnaligned(as: inotify_event.self)
      let name = rest.dropFirst(headerSize).prefix(Int(header.len)).prefix { $0 != 0 }
      rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(headerSize + Int(header.len)))
      func happened(_ event: Int32) -> Bool { header.mask & UInt32(event) != 0 }
      if header.mask & UInt32(IN_Q_OVERFLOW) != 0 { changes.append(.lost) }
      guard header.mask & UInt32(IN_ISDIR) != 0 else { continue }
      let watch = Watch(number: header.wd)
      if happened(IN_CREATE | IN_MOVED_TO) { changes.append(.appeared(String(decoding: name, as: UTF8.self), in: watch)) }
      if happened(IN_DELETE | IN_MOVED_FROM) { changes.append(.disappeared(String(decoding: name, as: UTF8.self), in: watch)) }
    }
  }
}
