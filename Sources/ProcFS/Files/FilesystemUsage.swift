internal import Glibc

/// The size and usage of a file system.
package struct FilesystemUsage: Hashable, Sendable {
  /// In bytes, as `used` and `available`.
  package var size: UInt64
  package var used: UInt64
  /// To unprivileged users. Space reserved for root is neither used nor available.
  package var available: UInt64
  /// 0, as `inodesFree`, if the file system has no fixed number of inodes.
  package var inodes: UInt64
  package var inodesFree: UInt64

  package init(size: UInt64, used: UInt64, available: UInt64, inodes: UInt64, inodesFree: UInt64) {
    self.size = size
    self.used = used
    self.available = available
    self.inodes = inodes
    self.inodesFree = inodesFree
  }
}

/// Identifies a process's root directory on this host.
package struct RootDirectory: Hashable, Sendable {
  fileprivate var device: UInt64
  fileprivate var inode: UInt64
}

extension ProcessDirectory {
  /// The usage of a mount's file system. The mount point is resolved in the process's root directory without following symbolic links, so
  /// a container cannot redirect the lookup.
  ///
  /// Requires PTRACE_MODE_READ_FSCREDS and search permission on the directories above the mount point. Blocks until the file system
  /// responds, possibly forever (FUSE, NFS).
  /// - Throws: an error that `isGone` if the mount was removed or covered by another mount.
  package func usage(of mount: MountInfo) throws(ProcFSError) -> FilesystemUsage {
    var path = try PathDescriptor(directory, "root")
    for name in mount.mountPoint.split(separator: "/") {
      path = try PathDescriptor(path, String(name))
    }
    guard try path.mountIdentifier() == mount.identifier else { throw .gone("mount \(mount.identifier) at \(mount.mountPoint)") }
    return try path.filesystemUsage()
  }

  /// The process's root directory. Requires PTRACE_MODE_READ_FSCREDS. Blocks until the root file system responds.
  package func root() throws(ProcFSError) -> RootDirectory {
    try PathDescriptor(directory, "root").identity()
  }
}

/// A file or directory opened with O_PATH.
private struct PathDescriptor: ~Copyable {
  private let descriptor: CInt
  private let path: String

  /// - Parameter link: a magic link of `/proc/<pid>` (`root`), the only kind of link that is followed.
  init(_ parent: borrowing Directory, _ link: String) throws(ProcFSError) {
    path = parent.path + "/" + link
    descriptor = parent.open(link, Directory.pathOnly | O_CLOEXEC)
    if descriptor < 0 { throw .system(.open, path: path, code: errno) }
  }

  init(_ parent: borrowing PathDescriptor, _ name: String) throws(ProcFSError) {
    path = parent.path + "/" + name
    descriptor = openat(parent.descriptor, name, Directory.pathOnly | O_NOFOLLOW | O_CLOEXEC)
    if descriptor < 0 { throw .system(.open, path: path, code: errno) }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The mount that the descriptor is on. Source: `seq_show` in the kernel's fs/proc/fd.c; since Linux 3.15.
  func mountIdentifier() throws(ProcFSError) -> Int64? {
    // Called rarely, so it allocates a buffer of its own.
    try readFile("/proc/self/fdinfo/\(descriptor)", into: ReadBuffer(initialSize: 512)) { bytes throws(MalformedFile) in
      var lines = Lines(bytes)
      while let line = lines.next() {
        // Unlike the other files, fdinfo separates words by tabs.
        let fields = line.text.split(separator: "\t")
        if fields.first == "mnt_id:", fields.count == 2 { return Int64(fields[1]) }
      }
      throw MalformedFile(line: lines.number, reason: "no mnt_id")
    }
  }

  func identity() throws(ProcFSError) -> RootDirectory {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(.status, path: path, code: errno) }
    return RootDirectory(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }

  func filesystemUsage() throws(ProcFSError) -> FilesystemUsage {
    var status = statvfs()
    while fstatvfs(descriptor, &status) != 0 {
      if errno != EINTR { throw .system(.status, path: path, code: errno) }
    }
    let block = UInt64(status.f_frsize)
    // Inconsistent numbers (more free than total blocks) yield 0 instead of wrapping around.
    let used = UInt64(status.f_blocks) >= UInt64(status.f_bfree) ? UInt64(status.f_blocks) - UInt64(status.f_bfree) : 0
    return FilesystemUsage(
      size: UInt64(status.f_blocks) &* block, used: used &* block, available: UInt64(status.f_bavail) &* block,
      inodes: UInt64(status.f_files), inodesFree: UInt64(status.f_ffree))
  }
}
