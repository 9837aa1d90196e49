internal import Primitives
internal import ProcFS

/// The containers found by one walk of the cgroup hierarchies, kept up to date by inotify.
struct CgroupTree: ~Copyable {
  /// Bounds descriptors and stack. Containers nest (Kind runs a node and its pods in one container), but not this deep.
  private static let maximumDepth = 64
  /// One process suffices to read a container; the others are tried if it has ended.
  private static let processesPerContainer = 8

  private(set) var problems: [ProcFSError] = []
  /// `nil` if watching is off or failed.
  private var changes: DirectoryChanges?
  private let watchLimit: Int
  private var directories: [DirectoryChanges.Watch: WatchedDirectory] = [:]
  private var found: [ContainerID: FoundContainer] = [:]
  /// The cgroups of each pod, by UID.
  private var pods: [String: [String]] = [:]

  private struct WatchedDirectory {
    var path: String
    var context: Context
    var children: [String: DirectoryChanges.Watch] = [:]
  }

  /// The innermost pod and container that enclose a directory.
  private struct Context {
    var podUID: String?
    var container: ContainerID?
    /// The name of the parent directory.
    var parentName: String = ""
    var depth = 0
  }

  private struct FoundContainer {
    var podUID: String?
    /// The container's own cgroups: several in a hybrid layout and below some nested runtimes.
    var cgroups: [String] = []
    var processes: [LocatedProcess] = []
    /// Whether cgroups of Podman's containers are direct children.
    var holdsPodmanContainers = false

    /// The cgroup of a Podman pod with a custom parent is named like a container. A container that runs Podman has processes, a pod has none.
    var isPodmanPod: Bool { holdsPodmanContainers && processes.isEmpty }
  }

  enum Update {
    case unchanged, changed
    /// Changes were lost, or watching stopped: the hierarchies must be walked again.
    case incomplete
  }

  init(_ hierarchies: [String], watchLimit: Int, _ buffer: ReadBuffer) {
    self.watchLimit = watchLimit
    // Without inotify, the locator walks in every sweep.
    changes = watchLimit > 0 ? try? DirectoryChanges() : nil
    for hierarchy in hierarchies {
      visit(hierarchy, Context(), buffer)
    }
  }

  var isWatching: Bool {
    switch changes {
    case .some: true
    case .none: false
    }
  }

  /// Sorted by ID.
  var containers: [LocatedContainer] {
    found.filter { !$0.value.isPodmanPod }.sorted { $0.key < $1.key }.map { id, one in
      LocatedContainer(id: id, podUID: one.podUID, origin: one.cgroups[0], processes: one.processes)
    }
  }

  /// Applies the changes since the last call.
  mutating func update(_ buffer: ReadBuffer) -> Update {
    guard let events = try? changes?.take() else { return .incomplete }
    var update = Update.unchanged
    for event in events {
      switch event {
      case .lost: return .incomplete
      case .appeared(let name, let watch):
        // A child created between the start of the watch and the listing is known already.
        guard let parent = directories[watch], parent.children[name] == nil else { continue }
        update = .changed
        if let child = visit(parent.path + "/" + name, parent.context, buffer) { directories[watch]?.children[name] = child }
      case .disappeared(let name, let watch):
        guard let child = directories[watch]?.children.removeValue(forKey: name) else { continue }
        update = .changed
        remove(child)
      }
      if changes == nil { return .incomplete }
    }
    return update
  }

  /// Rereads the container's processes.
  mutating func processes(of id: ContainerID, _ buffer: ReadBuffer) -> [LocatedProcess] {
    guard let cgroups = found[id]?.cgroups else { return [] }
    found[id]?.processes = []
    for cgroup in cgroups { readProcesses(of: id, below: cgroup, depth: 0, buffer) }
    return found[id]?.processes ?? []
  }

  /// Reads the processes in the pod's cgroups, the first ones of each.
  func processes(ofPod uid: String, _ buffer: ReadBuffer) -> [PodProcess] {
    var processes: [PodProcess] = []
    for cgroup in pods[uid] ?? [] { Self.readProcesses(below: cgroup, in: nil, depth: 0, into: &processes, buffer) }
    // Containers whose cgroup is not below their pod's.
    for (id, container) in found where container.podUID == uid {
      for cgroup in container.cgroups where !(pods[uid] ?? []).contains(where: { cgroup.hasPrefix($0 + "/") }) {
        Self.readProcesses(below: cgroup, in: id, depth: 0, into: &processes, buffer)
      }
    }
    return processes
  }

  private static func readProcesses(
    below path: String, in container: ContainerID?, depth: Int, into processes: inout [PodProcess], _ buffer: ReadBuffer
  ) {
    // Cgroups that are removed meanwhile, and threaded ones, have nothing to say.
    guard depth <= maximumDepth, let directory = try? Directory(path) else { return }
    let own = try? directory.read("cgroup.procs", into: buffer) { bytes throws(MalformedFile) in
      try CgroupProcesses.parse(bytes, limit: processesPerContainer)
    }
    processes += (own ?? []).map { PodProcess(identifier: $0, container: container) }
    if directory.isLeaf { return }
    let parent = path.split(separator: "/").last.map(String.init) ?? ""
    for name in (try? directory.subdirectories()) ?? [] {
      switch CgroupName(name, in: parent) {
      case .monitor, .pod: continue
      case .container(let id, _): readProcesses(below: path + "/" + name, in: id, depth: depth + 1, into: &processes, buffer)
      case .other: readProcesses(below: path + "/" + name, in: container, depth: depth + 1, into: &processes, buffer)
      }
    }
  }

  /// - Returns: the directory's watch; `nil` if the directory was removed or is skipped, or if watching is off.
  @discardableResult
  private mutating func visit(_ path: String, _ outer: Context, _ buffer: ReadBuffer) -> DirectoryChanges.Watch? {
    do {
      // Watch before listing, so that no change between the two is missed.
      let watch = try watch(path)
      return visit(try Directory(path), watch, outer, buffer)
    } catch {
      record(error)
      return nil
    }
  }

  private mutating func visit(
    _ directory: borrowing Directory, _ watch: DirectoryChanges.Watch?, _ outer: Context, _ buffer: ReadBuffer
  ) -> DirectoryChanges.Watch? {
    let name = directory.path.split(separator: "/").last.map(String.init) ?? ""
    var context = outer
    context.depth += 1
    context.parentName = name
    guard context.depth <= Self.maximumDepth else { return nil }
    switch outer.depth == 0 ? .other : CgroupName(name, in: outer.parentName) {
    case .monitor:
      if let watch { changes?.end(watch) }
      return nil
    case .pod(let uid):
      context.podUID = uid
      pods[uid, default: []].append(directory.path)
    case .container(let id, let podUID):
      if CgroupName.isPodmanContainer(name), let parent = ContainerID(outer.parentName) { found[parent]?.holdsPodmanContainers = true }
      context.container = id
      record(id, podUID: podUID ?? context.podUID, directory.path)
    case .other: break
    }
    if let watch { directories[watch] = WatchedDirectory(path: directory.path, context: context) }
    if let container = context.container { readProcesses(of: container, in: directory, buffer) }
    descend(directory, watch, context, buffer)
    return watch
  }

  private mutating func descend(
    _ directory: borrowing Directory, _ watch: DirectoryChanges.Watch?, _ context: Context, _ buffer: ReadBuffer
  ) {
    // Most cgroups are containers without children. Not listing their many files halves the cost of a walk.
    if directory.isLeaf { return }
    do {
      for name in try directory.subdirectories() {
        let child = visit(directory.path + "/" + name, context, buffer)
        if let watch, let child { directories[watch]?.children[name] = child }
      }
    } catch {
      record(error)
    }
  }

  private mutating func watch(_ path: String) throws(ProcFSError) -> DirectoryChanges.Watch? {
    do {
      let watch = try changes?.watch(path)
      if directories.count < watchLimit { return watch }
      changes = nil
    } catch let error where error.isGone {
      throw error
    } catch {
      // The user's watch limit is reached, or the file system has no watches: from now on every `locate` walks.
      changes = nil
    }
    return nil
  }

  private mutating func record(_ id: ContainerID, podUID: String?, _ cgroup: String) {
    if found[id, default: FoundContainer()].podUID == nil { found[id, default: FoundContainer()].podUID = podUID }
    found[id, default: FoundContainer()].cgroups.append(cgroup)
  }

  /// Removes a directory and everything below it from the tree.
  private mutating func remove(_ watch: DirectoryChanges.Watch) {
    guard let directory = directories.removeValue(forKey: watch) else { return }
    changes?.end(watch)
    for child in directory.children.values { remove(child) }
    if let uid = directory.context.podUID, let index = pods[uid]?.firstIndex(of: directory.path) {
      pods[uid]?.remove(at: index)
      if pods[uid]?.isEmpty == true { pods[uid] = nil }
    }
    guard let id = directory.context.container else { return }
    found[id]?.cgroups.removeAll { $0 == directory.path }
    found[id]?.processes.removeAll { $0.membership == .cgroup(directory.path) }
    if found[id]?.cgroups.isEmpty == true { found[id] = nil }
  }

  private mutating func readProcesses(of id: ContainerID, below path: String, depth: Int, _ buffer: ReadBuffer) {
    guard depth <= Self.maximumDepth else { return }
    do {
      let directory = try Directory(path)
      readProcesses(of: id, in: directory, buffer)
      if directory.isLeaf { return }
      for name in try directory.subdirectories() {
        // Skips nested containers.
        if case .other = CgroupName(name, in: "") { readProcesses(of: id, below: path + "/" + name, depth: depth + 1, buffer) }
      }
    } catch {
      record(error)
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
      record(error)
    }
  }

  /// Ignores cgroups removed during the walk, whose containers have ended, and threaded cgroups, whose processes the cgroup above them lists.
  private mutating func record(_ error: ProcFSError) {
    if !error.isGone, !error.isNotSupported, !problems.contains(error) { problems.append(error) }
  }
}
