package import ProcFS

/// Finds containers by the names of their cgroups: that needs no runtime's socket and no capability.
package struct CgroupLocator: ContainerLocator {
  private let root: String

  /// - Parameter root: where the cgroup file systems are mounted.
  package init(root: String = "/sys/fs/cgroup") {
    self.root = root
  }

  package func locate(_ buffer: ReadBuffer) -> Location {
    let hierarchies: [String]
    do {
      hierarchies = try CgroupHierarchies.paths(below: root)
    } catch {
      return Location(containers: [], problems: [error], places: [root])
    }
    var walk = CgroupWalk(buffer: buffer)
    for hierarchy in hierarchies {
      walk.visit(hierarchy)
    }
    return Location(
      containers: walk.containers.sorted { $0.id < $1.id }, problems: walk.problems, places: hierarchies.isEmpty ? [root] : hierarchies)
  }
}

extension CgroupLocator {
  /// None that `locate` did not give: it reads the lists each time.
  package func processes(of container: LocatedContainer, _ buffer: ReadBuffer) -> [LocatedProcess] { [] }
}

/// One walk through the trees, and what it has found so far.
private struct CgroupWalk {
  /// Containers nest (Kind runs a node with all its pods inside of one), but not this deep; the limit bounds descriptors and stack.
  private static let maximumDepth = 64
  /// One living process is enough to read a container; the others are for when it ends in between.
  private static let processesPerContainer = 8

  let buffer: ReadBuffer
  private(set) var containers: [LocatedContainer] = []
  private(set) var problems: [ProcFSError] = []
  private var indices: [ContainerID: Int] = [:]

  init(buffer: ReadBuffer) {
    self.buffer = buffer
  }

  /// The innermost pod and container that a directory lies in.
  private struct Surroundings {
    var podUID: String?
    var container: Int?
    var depth = 0
  }

  mutating func visit(_ hierarchy: String) {
    do {
      descend(try Directory(hierarchy), Surroundings())
    } catch {
      note(error)
    }
  }

  private mutating func visit(_ name: String, in parent: borrowing Directory, _ outer: Surroundings) {
    var surroundings = outer
    surroundings.depth += 1
    guard surroundings.depth <= Self.maximumDepth else { return }
    let directory: Directory
    do {
      directory = try parent.directory(name)
    } catch {
      note(error)
      return
    }
    switch CgroupName(name) {
    case .monitor: return
    case .pod(let uid): surroundings.podUID = uid
    case .container(let id, let podUID):
      surroundings.container = index(of: id, podUID: podUID ?? surroundings.podUID, place: directory.path)
    case .other: break
    }
    if let container = surroundings.container { readProcesses(of: container, in: directory) }
    descend(directory, surroundings)
  }

  private mutating func descend(_ directory: borrowing Directory, _ surroundings: Surroundings) {
    // Most directories are a container's own and have nothing below: not listing their many files is half of the walk's cost.
    if directory.isLeaf { return }
    do {
      for name in try directory.subdirectories() {
        visit(name, in: directory, surroundings)
      }
    } catch {
      note(error)
    }
  }

  /// The container's place in the list. In a hybrid layout, and below some nested runtimes, one container has several cgroups.
  private mutating func index(of id: ContainerID, podUID: String?, place: String) -> Int {
    if let known = indices[id] {
      if containers[known].podUID == nil { containers[known].podUID = podUID }
      return known
    }
    containers.append(LocatedContainer(id: id, podUID: podUID, place: place, processes: []))
    indices[id] = containers.count - 1
    return containers.count - 1
  }

  private mutating func readProcesses(of container: Int, in directory: borrowing Directory) {
    let room = Self.processesPerContainer - containers[container].processes.count
    guard room > 0 else { return }
    do {
      let path = directory.path
      let processes = try directory.read("cgroup.procs", into: buffer) { bytes throws(MalformedFile) in
        try CgroupProcesses.parse(bytes, limit: room)
      }
      for process in processes where !containers[container].processes.contains(where: { $0.identifier == process }) {
        containers[container].processes.append(LocatedProcess(identifier: process, membership: .cgroup(path)))
      }
    } catch {
      note(error)
    }
  }

  /// A cgroup that went while we walked is no problem: its container ended.
  /// A threaded cgroup does not list processes (EOPNOTSUPP); the cgroup above it does.
  private mutating func note(_ error: ProcFSError) {
    if !error.isGone, !error.isNotSupported { problems.append(error) }
  }
}
