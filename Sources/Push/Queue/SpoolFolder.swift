internal import Glibc

/// The spools of all shards in one folder: `of-4/0` to `of-4/3` for four shards.
///
/// The number of shards determines the shard of an owner. After it has changed, the old shards' spools must be sent first.
struct SpoolFolder {
  private(set) var current: [Spool] = []
  private(set) var older: [Spool] = []
  /// Must be retained as long as the spools are in use.
  let lock: SpoolLock

  /// - Throws: also if another process uses the folder, which would send samples twice and overwrite files.
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

/// Locks a folder against other processes until it is released or the process ends.
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
        ? SpoolError("the spool \(folder) is in use by another process: give each controller its own folder")
        : SpoolError("lock", path, errno: code)
    }
  }

  deinit { close(descriptor) }
}
