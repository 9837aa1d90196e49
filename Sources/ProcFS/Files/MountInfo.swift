/// One line of `/proc/<pid>/mountinfo`: a mount in the process's mount namespace, below its root directory.
/// Source: proc_pid_mountinfo(5).
package struct MountInfo: Hashable, Sendable {
  /// Unique across namespaces until the mount is removed.
  package var identifier: Int64
  /// The file system's device number, shared by all its mounts.
  package var device: DeviceNumber
  /// The directory or file of the file system that is mounted: `/` or, of a bind mount or a subvolume, another one.
  package var root: String
  /// Relative to the process's root directory.
  package var mountPoint: String
  package var isReadOnly: Bool
  /// `ext4`, `fuse.sshfs`.
  package var type: String
  /// The mount source: `/dev/sda1`, `server:/export`, `overlay`.
  package var source: String

  package init(
    identifier: Int64, device: DeviceNumber, root: String = "/", mountPoint: String, isReadOnly: Bool, type: String, source: String
  ) {
    self.identifier = identifier
    self.device = device
    self.root = root
    self.mountPoint = mountPoint
    self.isReadOnly = isReadOnly
    self.type = type
    self.source = source
  }

  /// The mounts of wanted file system types, in mount order: of two mounts at one point the later one covers the earlier.
  package static func parse(
    _ bytes: UnsafeRawBufferPointer, where isWanted: (_ type: String) -> Bool
  ) throws(MalformedFile) -> [MountInfo] {
    var mounts: [MountInfo] = []
    var lines = Lines(bytes)
    while var words = lines.next() {
      guard let identifier = words.next()?.decimal, words.next() != nil, let device = words.next().flatMap(DeviceNumber.init),
        let root = words.next(), let mountPoint = words.next(), let options = words.next()
      else { throw lines.malformed("not a mount: no identifier, device, mount point and options") }
      // Any number of optional fields, ended by a hyphen.
      var field = words.next()
      while let one = field, !one.isEqual(to: "-") { field = words.next() }
      guard let type = words.next()?.unescaped, let source = words.next() else { throw lines.malformed("no type and source") }
      guard isWanted(type) else { continue }
      mounts.append(
        MountInfo(
          identifier: identifier, device: device, root: root.unescaped, mountPoint: mountPoint.unescaped, isReadOnly: options.isReadOnly,
          type: type, source: source.unescaped))
    }
    return mounts
  }
}

extension ProcessDirectory {
  /// The mounts of wanted file system types in the process's mount namespace.
  package func mounts(_ buffer: ReadBuffer, where isWanted: (_ type: String) -> Bool) throws(ProcFSError) -> [MountInfo] {
    try directory.read("mountinfo", into: buffer) { bytes throws(MalformedFile) in try MountInfo.parse(bytes, where: isWanted) }
  }
}

/// A device number, written `8:1` by the kernel.
package struct DeviceNumber: Hashable, Sendable {
  package var major: Int64
  package var minor: Int64

  package init(major: Int64, minor: Int64) {
    self.major = major
    self.minor = minor
  }

  init?(_ text: UnsafeRawBufferPointer) {
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")),
      let major = UnsafeRawBufferPointer(rebasing: text[..<colon]).decimal,
      let minor = UnsafeRawBufferPointer(rebasing: text[(colon + 1)...]).decimal
    else { return nil }
    self.init(major: major, minor: minor)
  }
}

extension UnsafeRawBufferPointer {
  /// Mount options begin with `ro` or `rw`.
  fileprivate var isReadOnly: Bool {
    let first = UnsafeRawBufferPointer(rebasing: prefix { $0 != UInt8(ascii: ",") })
    return first.isEqual(to: "ro")
  }

  /// The kernel escapes space, tab, line feed, backslash and `#` as a backslash and three octal digits.
  /// Source: `mangle` in the kernel's fs/proc_namespace.c.
  fileprivate var unescaped: String {
    guard contains(UInt8(ascii: "\\")) else { return String(decoding: self, as: UTF8.self) }
    var bytes: [UInt8] = []
    var index = startIndex
    while index < endIndex {
      if self[index] == UInt8(ascii: "\\"), let byte = octal(at: index + 1) {
        bytes.append(byte)
        index += 4
      } else {
        bytes.append(self[index])
        index += 1
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private func octal(at start: Int) -> UInt8? {
    guard start + 3 <= endIndex else { return nil }
    var value = 0
    for byte in self[start..<start + 3] {
      guard UInt8(ascii: "0") <= byte, byte <= UInt8(ascii: "7") else { return nil }
      value = value * 8 + Int(byte - UInt8(ascii: "0"))
    }
    return UInt8(exactly: value)
  }
}
