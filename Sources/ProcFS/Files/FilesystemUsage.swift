#if canImport(Musl)
  internal import Musl
#else
  internal import Glibc
#endif

/// How full a file system is.
package struct FilesystemUsage: Hashable, Sendable {
  /// In bytes, as are the next two.
  package var size: UInt64
  package var used: UInt64
  /// To users without privileges: what is reserved for root counts neither as used nor as available.
  package var available: UInt64
  /// 0 where the file system has no fixed number of them, as the next one.
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

extension ProcessDirectory {
  /// How full the file system of the mount is. Its mount point is looked for as the process sees it, without following symbolic links:
  /// a container cannot lead us elsewhere.
  ///
  /// Asking needs the right to trace the process, and to search the directories above the mount point. It blocks for as long as the file
  /// system does not answer (FUSE, NFS), which may be for ever.
  /// - Throws: an error that `isGone` where the mount is gone, or another one was mounted over it.
  package func usage(of mount: MountInfo) throws(ProcFSError) -> FilesystemUsage {
    var place = try PathDescriptor(directory, "root")
    for name in mount.mountPoint.split(separator: "/") {
      place = try PathDescriptor(place, String(name))
    }
    guard try place.mountIdentifier() == mount.identifier else { throw .gone("mount \(mount.identifier) at \(mount.mountPoint)") }
    return try place.filesystemUsage()
  }

  /// The root directory of the process. Asking needs the right to trace the process, and blocks for as long as its file system does not answer.
  package func root() throws(ProcFSError) -> RootDirectory {
    try PathDescriptor(directory, "root").identity()
  }

  /// The mounts in the process's mount namespace whose file system's type is wanted.
  package func mounts(_ buffer: ReadBuffer, where isWanted: (_ type: String) -> Bool) throws(ProcFSError) -> [MountInfo] {
    try directory.read("mountinfo", into: buffer) { bytes throws(MalformedFile) in try MountInfo.parse(bytes, where: isWanted) }
  }

  /// The name of the process's program, without its folder and cut to 15 bytes.
  package func command(_ buffer: ReadBuffer) throws(ProcFSError) -> String {
    try directory.read("comm", into: buffer) { bytes throws(MalformedFile) in
      String(decoding: bytes.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }
  }
}

/// A place in the file system, held without opening what is there.
private struct PathDescriptor: ~Copyable {
  private let descriptor: CInt
  private let path: String

  /// - Parameter link: an entry that the kernel resolves itself (`root`), the one kind of link that is followed.
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

  /// Which mount the place is on. Source: `seq_show` in the kernel's fs/proc/fd.c; since Linux 3.15.
  func mountIdentifier() throws(ProcFSError) -> Int64? {
    // Seldom enough for a buffer of its own.
    try readFile("/proc/self/fdinfo/\(descriptor)", into: ReadBuffer(initialSize: 512)) { bytes throws(MalformedFile) in
      var lines = Lines(bytes)
      while let line = lines.next() {
        // The one file whose words tabs separate.
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
    // A file system that is at odds with itself gives 0 instead of a number that wrapped around.
    let used = UInt64(status.f_blocks) >= UInt64(status.f_bfree) ? UInt64(status.f_blocks) - UInt64(status.f_bfree) : 0
    return FilesystemUsage(
      size: UInt64(status.f_blocks) &* block, used: used &* block, available: UInt64(status.f_bavail) &* block,
      inodes: UInt64(status.f_files), inodesFree: UInt64(status.f_ffree))
  }
}
