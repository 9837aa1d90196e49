package import ProcFS
package import Roll

/// Finds containers by the names of their cgroups: that needs no runtime's socket and no capability.
///
/// It walks through the trees once and is told by the kernel which cgroups come and go from then on, so that a sweep in which nothing did
/// costs one system call. Where the kernel cannot tell, it walks each time.
package final class CgroupLocator: ContainerLocator {
  /// The kernel tells of every cgroup that is made through a file system, which is the only way there is. Should something be in between
  /// all the same (a file system in a container's likeness, a kernel of another make), a container is late by this long and not lost.
  package static let walkInterval: Duration = .seconds(60)

  private let root: String
  private let watchLimit: Int
  private let now: @Sendable () -> Moment
  private var tree: CgroupTree?
  private var walkedAt = Moment(milliseconds: 0)
  private var triedAt = Moment(milliseconds: 0)
  private var location = Location(containers: [], problems: [], places: [])

  /// - Parameters:
  ///   - root: where the cgroup file systems are mounted.
  ///   - watchLimit: how many cgroups are watched at most; past it every `locate` walks. A node of 500 pods has about 2,500.
  ///   - now: a monotonic clock.
  package init(root: String = "/sys/fs/cgroup", watchLimit: Int = 16_384, now: @escaping @Sendable () -> Moment) {
    self.root = root
    self.watchLimit = watchLimit
    self.now = now
  }

  package func locate(_ buffer: ReadBuffer) -> Location {
    guard let update = tree?.update(buffer), update != .unknown, now() - walkedAt < Self.walkInterval else {
      walk(buffer)
      return location
    }
    if update == .something, let containers = tree?.containers, let problems = tree?.problems {
      location.containers = containers
      location.problems = problems
    }
    return location
  }

  package func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess] {
    let processes = tree?.processes(of: container.id, buffer) ?? []
    // A container is found when its cgroup is made, and gets its first process a moment later: who looks next is to know it.
    if let index = location.containers.firstIndex(where: { $0.id == container.id }) { location.containers[index].processes = processes }
    return processes
  }

  private func walk(_ buffer: ReadBuffer) {
    let now = now()
    // Where the kernel would not tell of changes, it is not asked again with each sweep.
    let isTold = tree?.isTold ?? true
    let mayWatch = isTold || now - triedAt >= Self.walkInterval
    if mayWatch { triedAt = now }
    walkedAt = now
    do {
      let hierarchies = try CgroupHierarchies.paths(below: root)
      let tree = CgroupTree(hierarchies, watchLimit: mayWatch ? watchLimit : 0, buffer)
      location = Location(containers: tree.containers, problems: tree.problems, places: hierarchies.isEmpty ? [root] : hierarchies)
      self.tree = consume tree
    } catch {
      location = Location(containers: [], problems: [error], places: [root])
      tree = nil
    }
  }
}
