internal import ProcFS

/// The cgroups of the machine as one walk found them, kept true afterwards by what the kernel tells of directories that come and go.
struct CgroupTree: ~Copyable {
  /// Containers nest (Kind runs a node with all its pods inside of one), but not this deep; the limit bounds descriptors and stack.
  private static let maximumDepth = 64
  /// One living process is enough to read a container; the others are for when it ends in between.
  private static let processesPerContainer = 8

  /// What could not be looked at.
  private(set) var problems: [ProcFSError] = []
  /// `nil` where the kernel cannot tell of changes.
  private var changes: DirectoryChanges?
  private let watchLimit: Int
  private var folders: [DirectoryChanges.Watch: Folder] = [:]
  private var found: [ContainerID: Found] = [:]

  private struct Folder {
    var path: String
    var surroundings: Surroundings
    var children: [String: DirectoryChanges.Watch] = [:]
  }

  /// The innermost pod and container that a directory lies in.
  private struct Surroundings {
    var podUID: String?
    var container: ContainerID?
    /// Of the directory above.
    var parentName: String = ""
    var depth = 0
  }

  private struct Found {
    var podUID: String?
    /// The container's own cgroups. In a hybrid layout, and below some nested runtimes, it has several.
    var cgroups: [String] = []
    var processes: [LocatedProcess] = []
    /// Podman's containers lie directly in it.
    var holdsPodmanContainers = false

    /// A pod of Podman's below a parent with a name of its own looks like a container. One in which Podman runs has processes.
    var isPodmanPod: Bool { holdsPodmanContainers && processes.isEmpty }
  }

  enum Update {
    case nothing, something
    /// Only another walk can tell.
    case unknown
  }

  init(_ hierarchies: [String], watchLimit: Int, _ buffer: ReadBuffer) {
    self.watchLimit = watchLimit
    // Without it there is still the walk.
    changes = watchLimit > 0 ? try? DirectoryChanges() : nil
    for hierarchy in hierarchies {
      visit(hierarchy, Surroundings(), buffer)
    }
  }

  /// Whether the kernel tells of changes.
  var isTold: Bool {
    switch changes {
    case .some: true
    case .none: false
    }
  }

  /// In the order of their IDs.
  var containers: [LocatedContainer] {
    found.filter { !$0.value.isPodmanPod }.sorted { $0.key < $1.key }.map { id, one in
      LocatedContainer(id: id, podUID: one.podUID, place: one.cgroups[0], processes: one.processes)
    }
  }

  /// Takes in what the kernel tells.
  mutating func update(_ buffer: ReadBuffer) -> Update {
    guard let happened = try? changes?.take() else { return .unknown }
    var update = Update.nothing
    for change in happened {
      switch change {
      case .lost: return .unknown
      case .appeared(let name, let watch):
        // The list of a directory that we began to watch a moment ago had it already.
        guard let folder = folders[watch], folder.children[name] == nil else { continue }
        update = .something
        if let child = visit(folder.path + "/" + name, folder.surroundings, buffer) { folders[watch]?.children[name] = child }
      case .disappeared(let name, let watch):
        guard let child = folders[watch]?.children.removeValue(forKey: name) else { continue }
        update = .something
        forget(child)
      }
      if changes == nil { return .unknown }
    }
    return update
  }

  /// The container's processes as they are now.
  mutating func processes(of id: ContainerID, _ buffer: ReadBuffer) -> [LocatedProcess] {
    guard let cgroups = found[id]?.cgroups else { return [] }
    found[id]?.processes = []
    for cgroup in cgroups { readProcesses(of: id, below: cgroup, depth: 0, buffer) }
    return found[id]?.processes ?? []
  }

  /// - Returns: the directory's watch; `nil` where it is gone, is none of ours, or there are no watches.
  @discardableResult
  private mutating func visit(_ path: String, _ outer: Surroundings, _ buffer: ReadBuffer) -> DirectoryChanges.Watch? {
    do {
      // Watched first: what comes after the list was read is told.
      let watch = try watch(path)
      return visit(try Directory(path), watch, outer, buffer)
    } catch {
      note(error)
      return nil
    }
  }

  private mutating func visit(
    _ directory: borrowing Directory, _ watch: DirectoryChanges.Watch?, _ outer: Surroundings, _ buffer: ReadBuffer
  ) -> DirectoryChanges.Watch? {
    let name = directory.path.split(separator: "/").last.map(String.init) ?? ""
    var surroundings = outer
    surroundings.depth += 1
    surroundings.parentName = name
    guard surroundings.depth <= Self.maximumDepth else { return nil }
    switch outer.depth == 0 ? .other : CgroupName(name, in: outer.parentName) {
    case .monitor:
      if let watch { changes?.end(watch) }
      return nil
    case .pod(let uid): surroundings.podUID = uid
    case .container(let id, let podUID):
      if CgroupName.isPodmanContainer(name), let parent = ContainerID(outer.parentName) { found[parent]?.holdsPodmanContainers = true }
      surroundings.container = id
      note(id, podUID: podUID ?? surroundings.podUID, directory.path)
    case .other: break
    }
    if let watch { folders[watch] = Folder(path: directory.path, surroundings: surroundings) }
    if let container = surroundings.container { readProcesses(of: container, in: directory, buffer) }
    descend(directory, watch, surroundings, buffer)
    return watch
  }

  private mutating func descend(
    _ directory: borrowing Directory, _ watch: DirectoryChanges.Watch?, _ surroundings: Surroundings, _ buffer: ReadBuffer
  ) {
    // Most directories are a container's own and have nothing below: not listing their many files is half of the walk's cost.
    if directory.isLeaf { return }
    do {
      for name in try directory.subdirectories() {
        let child = visit(directory.path + "/" + name, surroundings, buffer)
        if let watch, let child { folders[watch]?.children[name] = child }
      }
    } catch {
      note(error)
    }
  }

  private mutating func watch(_ path: String) throws(ProcFSError) -> DirectoryChanges.Watch? {
    do {
      let watch = try changes?.watch(path)
      if folders.count < watchLimit { return watch }
      changes = nil
    } catch let error where error.isGone {
      throw error
    } catch {
      // The user's watches are used up, or the file system has none: from now on every `locate` walks.
      changes = nil
    }
    return nil
  }

  private mutating func note(_ id: ContainerID, podUID: String?, _ cgroup: String) {
    if found[id, default: Found()].podUID == nil { found[id, default: Found()].podUID = podUID }
    found[id, default: Found()].cgroups.append(cgroup)
  }

  /// Forgets a directory that is gone, with all below.
  private mutating func forget(_ watch: DirectoryChanges.Watch) {
    guard let folder = folders.removeValue(forKey: watch) else { return }
    changes?.end(watch)
    for child in folder.children.values { forget(child) }
    guard let id = folder.surroundings.container else { return }
    found[id]?.cgroups.removeAll { $0 == folder.path }
    found[id]?.processes.removeAll { $0.membership == .cgroup(folder.path) }
    if found[id]?.cgroups.isEmpty == true { found[id] = nil }
  }

  private mutating func readProcesses(of id: ContainerID, below path: String, depth: Int, _ buffer: ReadBuffer) {
    guard depth <= Self.maximumDepth else { return }
    do {
      let directory = try Directory(path)
      readProcesses(of: id, in: directory, buffer)
      if directory.isLeaf { return }
      for name in try directory.subdirectories() {
        // A container within this one has processes of its own.
        if case .other = CgroupName(name, in: "") { readProcesses(of: id, below: path + "/" + name, depth: depth + 1, buffer) }
      }
    } catch {
      note(error)
    }
  }

  private mutating func readProcesses(of id: ContainerID, in directory: borrowing Directory, _ buffer: ReadBuffer) {
    let known = found[id]?.processes ?? []
    guard known.count < Self.processesPerContainer else { return }
    do {
      let path = directory.path
      let processes = try directory.read("cgroup.procs", into: buffer) { bytes throws(MalformedFile) in
        try CgroupProcesses.parse(bytes, limit: Self.processesPerContainer)
      }
      let new = processes.filter { process in !known.contains { $0.identifier == process } }
      found[id]?.processes += new.prefix(Self.processesPerContainer - known.count).map {
        LocatedProcess(identifier: $0, membership: .cgroup(path))
      }
    } catch {
      note(error)
    }
  }

  /// A cgroup that went while we walked is no problem: its container ended.
  /// A threaded cgroup does not list processes (EOPNOTSUPP); the cgroup above it does.
  private mutating func note(_ error: ProcFSError) {
    if !error.isGone, !error.isNotSupported, !problems.contains(error) { problems.append(error) }
  }
}
