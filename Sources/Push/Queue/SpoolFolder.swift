internal import Glibc

/// The spools of all shards under one folder: `of-4/0` to `of-4/3` for four of them.
///
/// Which shard an owner belongs to follows from their number. Where that has changed, what the old ones left comes first.
struct SpoolFolder {
  private(set) var current: [Spool] = []
  private(set) var older: [Spool] = []
  /// To be kept as long as they are used.
  let lock: SpoolLock

  /// - Throws: also where another process uses the folder: two would send everything twice, and overwrite each other's files.
  init(_ folder: String, shards: Int, limit: Int) throws(SpoolError) {
    try Self.make(folder)
    lock = try SpoolLock(folder)
    let own = "of-\(shards)"
    for name in try Spool.entries(of: folder).sorted() where name.hasPrefix("of-") && name != own {
      for shard in try Spool.entries(of: "\(folder)/\(name)").sorted() {
        let spool = try Spool(folder: "\(folder)/\(name)/\(shard)", limit: limit)
        if !spool.isEmpty { older.append(spool) }
      }
    }
    try Self.make("\(folder)/\(own)")
    for shard in 0..<shards {
      current.append(try Spool(folder: "\(folder)/\(own)/\(shard)", limit: limit / shards))
    }
  }

  private static func make(_ folder: String) throws(SpoolError) {
    guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw SpoolError("make the folder", folder, errno: errno) }
  }
}

/// Keeps other processes out of a folder until it is released, or its process ends.
final class SpoolLock: Sendable {
  private let descriptor: Int32

  init(_ folder: String) throws(SpoolError) {
    let path = "\(folder)/lock"
    descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SpoolError("open", path, errno: errno) }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      throw code == EWOULDBLOCK
        ? SpoolError("the spool \(folder) is in use by another process: give each controller a folder of its own")
        : SpoolError("lock", path, errno: code)
    }
  }

  deinit { close(descriptor) }
}
