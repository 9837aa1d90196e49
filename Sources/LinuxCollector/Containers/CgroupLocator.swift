package import ProcFS
package import Roll

/// Finds containers by the names of their cgroups, which needs neither a runtime's socket nor a capability.
///
/// It walks the cgroup trees once and watches them by inotify from then on, so a sweep without changes costs one system call. If watching
/// fails, it walks the trees in every sweep.
package final class CgroupLocator: ContainerLocator {
  /// The interval of full walks while watching. inotify reports every new cgroup. If it misses one all the same (an emulated file system,
  /// an unusual kernel), the container is found this much later.
  package static let walkInterval: Duration = .seconds(60)

  private let root: String
  private let watchLimit: Int
  private let now: @Sendable () -> Moment
  private var tree: CgroupTree?
  private var walkedAt = Moment(milliseconds: 0)
  private var triedToWatchAt = Moment(milliseconds: 0)
  private var result = LocatorResult(containers: [], problems: [], searchedPaths: [])

  /// - Parameters:
  ///   - root: the directory that cgroup file systems are mounted in.
  ///   - watchLimit: the maximum number of watched cgroups. Above it, every `locate` walks. A node of 500 pods has about 2,500 cgroups.
  ///   - now: a monotonic clock.
  package init(root: String = "/sys/fs/cgroup", watchLimit: Int = 16_384, now: @escaping @Sendable () -> Moment) {
    self.root = root
    self.watchLimit = watchLimit
    self.now = now
  }

  package func locate(_ buffer: ReadBuffer) -> LocatorResult {
    guard let update = tree?.update(buffer), update != .incomplete, now() - walkedAt < Self.walkInterval else {
      walk(buffer)
      return result
    }
    if update == .changed, let containers = tree?.containers, let problems = tree?.problems {
      result.containers = containers
      result.problems = problems
      result.cgroupsLeftOut = tree?.leftOut ?? 0
    }
    return result
  }

  package func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess] {
    let processes = tree?.processes(of: container.id, buffer) ?? []
    // A new cgroup is found before it has a process, so the next `locate` must return the processes found here.
    if let index = result.containers.firstIndex(where: { $0.id == container.id }) { result.containers[index].processes = processes }
    return processes
  }

  package func processes(ofPod podUID: String, _ buffer: ReadBuffer) -> [PodProcess] {
    tree?.processes(ofPod: podUID, buffer) ?? []
  }

  private func walk(_ buffer: ReadBuffer) {
    let now = now()
    // After watching has failed, it is retried once per interval and not in every sweep.
    let isWatching = tree?.isWatching ?? true
    let mayWatch = isWatching || now - triedToWatchAt >= Self.walkInterval
    if mayWatch { triedToWatchAt = now }
    walkedAt = now
    do {
      let hierarchies = try CgroupHierarchies.paths(below: root)
      let tree = CgroupTree(hierarchies, watchLimit: mayWatch ? watchLimit : 0, buffer)
      result = LocatorResult(
        containers: tree.containers, problems: tree.problems, searchedPaths: hierarchies.isEmpty ? [root] : hierarchies,
        cgroupsLeftOut: tree.leftOut)
      self.tree = consume tree
    } catch {
      result = LocatorResult(containers: [], problems: [error], searchedPaths: [root])
      tree = nil
    }
  }
}

/// The cgroup hierarchies to search, of those mounted below one directory.
private enum CgroupHierarchies {
  /// Controllers of cgroup v1, in order of preference. One hierarchy is enough, because runtimes put a container into all of them: `pids`
  /// has the fewest files, and `systemd` exists even without controllers.
  private static let version1 = ["pids", "systemd", "memory", "cpu,cpuacct", "cpuacct", "cpu", "cpuset", "devices", "freezer", "blkio"]

  /// cgroup v2 mounts its only hierarchy at the root, v1 each hierarchy in a directory. The hybrid layout is that of v1, with the v2
  /// hierarchy in `unified`.
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

  /// Only cgroup v2 has this file.
  private static func isUnified(_ directory: borrowing Directory) -> Bool {
    directory.contains("cgroup.controllers")
  }
}
