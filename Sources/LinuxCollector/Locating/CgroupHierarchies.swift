internal import ProcFS

/// The cgroup trees to look through, of those that are mounted below one directory.
enum CgroupHierarchies {
  /// Of the trees of version 1 one is enough: a runtime puts its container into all of them. In the order of preference: `pids` has the
  /// fewest files, `systemd` is there even where no controller is.
  private static let version1 = ["pids", "systemd", "memory", "cpu,cpuacct", "cpuacct", "cpu", "cpuset", "devices", "freezer", "blkio"]

  /// Version 2 mounts its one tree at the root, version 1 each tree in a directory, hybrid does as version 1 and has version 2's
  /// tree in `unified`.
  static func paths(below root: String) throws(ProcFSError) -> [String] {
    let directory = try Directory(root)
    if isUnified(directory) { return [root] }
    let names = try directory.subdirectories()
    var paths = version1.first(where: names.contains).map { [root + "/" + $0] } ?? []
    if names.contains("unified"), let unified = try? directory.directory("unified"), isUnified(unified) {
      paths.append(root + "/unified")
    }
    return paths
  }

  /// Only version 2 has this file.
  private static func isUnified(_ directory: borrowing Directory) -> Bool {
    directory.contains("cgroup.controllers")
  }
}
