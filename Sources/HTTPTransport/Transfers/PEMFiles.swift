internal import Glibc
internal import Synchronization

/// Reads PEM files and caches their contents until they change, which costs one `stat` for each file and request.
final class PEMFiles: Sendable {
  struct Unreadable: Error {
    var reason: String
  }

  /// Identifies a version of a file. The kubelet updates mounted Secrets by replacing a symlink, which changes the inode; tools that write
  /// in place change size and time.
  private struct Stamp: Equatable {
    var device: UInt
    var inode: UInt
    var size: Int
    var seconds: Int
    var nanoseconds: Int

    init(_ status: stat) {
      device = UInt(status.st_dev)
      inode = UInt(status.st_ino)
      size = Int(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  /// Larger than any bundle of authorities; Debian's has 220 KB.
  private static let sizeLimit = 8 << 20

  private let cache = Mutex<[String: (stamp: Stamp, bytes: [UInt8])]>([:])

  func bytes(of source: PEMSource) throws(Unreadable) -> [UInt8] {
    switch source {
    case .memory(let bytes): return bytes
    case .file(let path):
      var status = stat()
      guard stat(path, &status) == 0 else { throw Self.unreadable(path) }
      let stamp = Stamp(status)
      if let known = cache.withLock({ $0[path] }), known.stamp == stamp { return known.bytes }
      let (bytes, readStamp) = try Self.load(path)
      cache.withLock { $0[path] = (readStamp, bytes) }
      return bytes
    }
  }

  /// Takes the stamp from the open descriptor, so that it belongs to the bytes that are read.
  private static func load(_ path: String) throws(Unreadable) -> ([UInt8], Stamp) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unreadable(path) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw unreadable(path) }
    guard status.st_size <= sizeLimit else { throw Unreadable(reason: "\(path) is larger than \(sizeLimit) bytes") }
    var bytes: [UInt8] = []
    while bytes.count <= sizeLimit {
      var failure: Int32 = 0
      let part = [UInt8](unsafeUninitializedCapacity: 65536) { buffer, count in
        let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
        failure = got < 0 ? errno : 0
        count = max(0, got)
      }
      if failure == EINTR { continue }
      if failure != 0 { throw Unreadable(reason: "cannot read \(path): \(systemMessage(failure))") }
      if part.isEmpty { return (bytes, Stamp(status)) }
      bytes += part
    }
    throw Unreadable(reason: "\(path) is larger than \(sizeLimit) bytes")
  }

  private static func unreadable(_ path: String) -> Unreadable {
    Unreadable(reason: "cannot read \(path): \(systemMessage(errno))")
  }
}
