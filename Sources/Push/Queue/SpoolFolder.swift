internal import Glibc

/// The spools of all shards under one folder: `of-4/0` to `of-4/3` for four of them.
///
/// Which shard an owner belongs to follows from their number. Where that has changed, what the old ones left comes first.
struct SpoolFolder {
  private(set) var current: [Spool] = []
  private(set) var older: [Spool] = []

  init(_ folder: String, shards: Int, limit: Int) throws(SpoolError) {
    try Self.make(folder)
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
