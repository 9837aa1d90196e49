internal import Primitives
internal import ProcFS

/// The containers found by one walk of the cgroup hierarchies, kept up to date by inotify.
struct CgroupTree: ~Copyable {
  /// Bounds descriptors and stack. Containers nest (Kind runs a node and its pods in one container), but not this deep.
  private static let maximumDepth = 64
  /// One process suffices to read a container, but it should be the first one, and others are tried if it has ended. A container that runs
  /// systemd has its first process in one of many cgroups.
  private static let processesPerCgroup = 8
  private static let processesPerContainer = 64
  /// Bounds what one container can make the agent search: whatever runs in it may create cgroups below its own. A Kind node of 400 pods has
  /// as many.
  static let maximumBelowContainer = 2048

  private(set) var problems: [ProcFSError] = []
  /// Cgroups that were not searched, because of the limits above, not counting those below them and beside them.
  private(set) var leftOut = 0
  /// `nil` if watching is off or failed.
  private var changes: DirectoryChanges?
  private let watchLimit: Int
  private var directories: [DirectoryChanges.Watch: WatchedDirectory] = [:]
  private var found: [ContainerID: FoundContainer] = [:]
  private var lastSerial = 0
  /// The cgroups of each pod, by UID.
  private var pods: [String: PodCgroups] = [:]
  /// The number of cgroups below each outermost container, by serial number.
  private var cgroupCounts: [Int: Int] = [:]

  private struct WatchedDirectory {
    var path: String
    var context: Context
    var children: [String: DirectoryChanges.Watch] = [:]
  }

  /// What encloses a directory.
  fileprivate struct Context {
    /// The innermost pod.
    var podUID: String?
    /// The innermost container.
    var container: Owner?
    /// The serial number of the outermost container, if the directory is below its cgroup.
    var outermost: Int?
    /// The nesting of a container that is found in the directory.
    var nesting = ContainerNesting()
    var depth = 0
  }

  /// A container that was found. Its ID may be found again elsewhere, under a different serial number.
  fileprivate struct Owner {
    var id: ContainerID
    var serial: Int
  }

  private struct FoundContainer {
    var serial: Int
    var podUID: String?
    var nesting: ContainerNesting
    var enclosing: ContainerID?
    /// The container's own cgroups: several in a hybrid layout and below some nested runtimes.
    var cgroups: [String] = []
    var processes: [LocatedProcess] = []
    /// Whether cgroups of Podman's containers are direct children.
    var holdsPodmanContainers = false

    /// The cgroup of a Podman pod with a custom parent is named like a container. A container that runs Podman has processes, a pod has
    /// none.
    var isPodmanPod: Bool { holdsPodmanContainers && processes.isEmpty }
  }

  /// A pod's cgroups that are in the smallest number of containers; others of that name may be made by a container.
  private struct PodCgroups {
    var level: Int
    var paths: [String] = []
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
      LocatedContainer(id: id, podUID: one.podUID, nesting: one.nesting, origin: one.cgroups[0], processes: one.processes)
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
    var remaining = Self.maximumBelowContainer
    for cgroup in cgroups { readProcesses(of: id, below: cgroup, depth: 0, &remaining, buffer) }
    return found[id]?.processes ?? []
  }

  /// Reads the processes in the pod's cgroups, the first ones of each.
  func processes(ofPod uid: String, _ buffer: ReadBuffer) -> [PodProcess] {
    let pod = pods[uid]
    // Containers whose cgroup is not below their pod's.
    let others = found.filter { _, container in
      container.podUID == uid && !container.cgroups.contains { cgroup in pod?.paths.contains { cgroup.hasPrefix($0 + "/") } ?? false }
    }
    // A pod's name can be given to cgroups in a container, but not to those outside.
    let level = others.values.reduce(pod?.level ?? .max) { min($0, $1.nesting.level) }
    var processes: [PodProcess] = []
    var remaining = Self.maximumBelowContainer
    if let pod, pod.level == level {
      for cgroup in pod.paths { Self.readProcesses(below: cgroup, in: nil, depth: 0, into: &processes, &remaining, buffer) }
    }
    for (id, container) in others where container.nesting.level == level {
      for cgroup in container.cgroups { Self.readProcesses(below: cgroup, in: id, depth: 0, into: &processes, &remaining, buffer) }
    }
    return processes
  }

  private static func readProcesses(
    below path: String, in container: ContainerID?, depth: Int, into processes: inout [PodProcess], _ remaining: inout Int,
    _ buffer: ReadBuffer
  ) {
    // Cgroups that are being removed, and threaded ones, list no processes.
    guard depth <= maximumDepth, remaining > 0, let directory = try? Directory(path) else { return }
    remaining -= 1
    let own = try? directory.read("cgroup.procs", into: buffer) { bytes throws(MalformedFile) in
      try CgroupProcesses.parse(bytes, limit: processesPerCgroup)
    }
    processes += (own ?? []).map { PodProcess(identifier: $0, container: container) }
    if directory.isLeaf { return }
    let parent = path.split(separator: "/").last.map(String.init) ?? ""
    for name in (try? directory.subdirectories(limit: remaining)) ?? [] {
      var inner = container
      switch CgroupName(name, in: parent) {
      case .monitor, .pod: continue
      case .container(let id, _): inner = id
      case .other: break
      }
      readProcesses(below: path + "/" + name, in: inner, depth: depth + 1, into: &processes, &remaining, buffer)
    }
  }

  /// - Returns: the directory's watch; `nil` if the directory was removed or is skipped, or if watching is off.
  @discardableResult
  private mutating func visit(_ path: String, _ outer: Context, _ buffer: ReadBuffer) -> DirectoryChanges.Watch? {
    guard outer.depth < Self.maximumDepth, remainingCgroups(in: outer) > 0 else {
      leftOut += 1
      return nil
    }
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
    let names = directory.path.split(separator: "/").suffix(2).map(String.init)
    let (parent, name) = (names.first ?? "", names.last ?? "")
    var context = outer
    context.depth += 1
    context.outermost = outer.outermost ?? outer.container?.serial
    switch outer.depth == 0 ? .other : CgroupName(name, in: parent) {
    case .monitor:
      if let watch { changes?.end(watch) }
      return nil
    case .pod(let uid):
      context.podUID = uid
      record(pod: uid, directory.path, level: outer.nesting.level)
    case .container(let id, let podUID):
      if CgroupName.isPodmanContainer(name), let container = outer.container?.id, ContainerID(parent) == container {
        found[container]?.holdsPodmanContainers = true
      }
      if let owner = record(id, podUID: podUID ?? context.podUID, directory.path, in: outer) {
        context.enter(owner, podUID: podUID ?? context.podUID)
      }
    case .other: break
    }
    if let outermost = context.outermost { cgroupCounts[outermost, default: 0] += 1 }
    if let watch { directories[watch] = WatchedDirectory(path: directory.path, context: context) }
    if let container = context.container { readProcesses(of: container, in: directory, buffer) }
    descend(directory, watch, context, buffer)
    return watch
  }

  /// How many more cgroups may be visited below a directory.
  private func remainingCgroups(in context: Context) -> Int {
    guard let container = context.outermost ?? context.container?.serial else { return .max }
    return Self.maximumBelowContainer - (cgroupCounts[container] ?? 0)
  }

  private mutating func descend(
    _ directory: borrowing Directory, _ watch: DirectoryChanges.Watch?, _ context: Context, _ buffer: ReadBuffer
  ) {
    // Most cgroups are containers without children. Not listing their many files halves the cost of a walk.
    if directory.isLeaf { return }
    do {
      let remaining = remainingCgroups(in: context)
      // One more than may be visited, to notice that there are more.
      for name in try directory.subdirectories(limit: remaining == .max ? remaining : remaining + 1) {
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

  /// Records a cgroup of a container.
  ///
  /// An ID belongs to the container that the fewest others enclose: containers can create cgroups below their own under any name, and
  /// nowhere else.
  /// - Returns: `nil` if the ID belongs to another container; the cgroup is then a part of the enclosing one.
  private mutating func record(_ id: ContainerID, podUID: String?, _ cgroup: String, in outer: Context) -> Owner? {
    // Some runtimes put a container into a cgroup of its own name below another one.
    if let container = outer.container, container.id == id {
      if found[id]?.serial == container.serial { found[id]?.cgroups.append(cgroup) }
      return container
    }
    if let known = found[id] {
      let isSamePod = known.podUID == nil || podUID == nil || known.podUID == podUID
      if known.nesting.level == outer.nesting.level, known.enclosing == outer.container?.id, isSamePod {
        found[id]?.cgroups.append(cgroup)
        if known.podUID == nil { found[id]?.podUID = podUID }
        return Owner(id: id, serial: known.serial)
      }
      if known.nesting.level <= outer.nesting.level { return nil }
    }
    lastSerial += 1
    found[id] = FoundContainer(
      serial: lastSerial, podUID: podUID, nesting: outer.nesting, enclosing: outer.container?.id, cgroups: [cgroup])
    return Owner(id: id, serial: lastSerial)
  }

  private mutating func record(pod uid: String, _ cgroup: String, level: Int) {
    if let known = pods[uid], known.level <= level {
      if known.level == level { pods[uid]?.paths.append(cgroup) }
    } else {
      pods[uid] = PodCgroups(level: level, paths: [cgroup])
    }
  }

  /// Removes a directory and everything below it from the tree.
  private mutating func remove(_ watch: DirectoryChanges.Watch) {
    guard let directory = directories.removeValue(forKey: watch) else { return }
    changes?.end(watch)
    for child in directory.children.values { remove(child) }
    if let outermost = directory.context.outermost, let count = cgroupCounts[outermost] {
      cgroupCounts[outermost] = count > 1 ? count - 1 : nil
    }
    if let uid = directory.context.podUID, let index = pods[uid]?.paths.firstIndex(of: directory.path) {
      pods[uid]?.paths.remove(at: index)
      if pods[uid]?.paths.isEmpty == true { pods[uid] = nil }
    }
    guard let id = directory.context.container?.id else { return }
    found[id]?.cgroups.removeAll { $0 == directory.path }
    found[id]?.processes.removeAll { $0.membership == .cgroup(directory.path) }
    if found[id]?.cgroups.isEmpty == true { found[id] = nil }
  }

  private mutating func readProcesses(of id: ContainerID, below path: String, depth: Int, _ remaining: inout Int, _ buffer: ReadBuffer) {
    guard depth <= Self.maximumDepth, remaining > 0, let owner = found[id].map({ Owner(id: id, serial: $0.serial) }) else { return }
    remaining -= 1
    do {
      let directory = try Directory(path)
      readProcesses(of: owner, in: directory, buffer)
      if directory.isLeaf { return }
      for name in try directory.subdirectories(limit: remaining) {
        // Skips nested containers.
        if case .other = CgroupName(name, in: "") { readProcesses(of: id, below: path + "/" + name, depth: depth + 1, &remaining, buffer) }
      }
    } catch {
      record(error)
    }
  }

  private mutating func readProcesses(of owner: Owner, in directory: borrowing Directory, _ buffer: ReadBuffer) {
    guard let container = found[owner.id], container.serial == owner.serial, container.processes.count < Self.processesPerContainer
    else { return }
    do {
      let path = directory.path
      let known = container.processes
      let processes = try directory.read("cgroup.procs", into: buffer) { bytes throws(MalformedFile) in
        try CgroupProcesses.parse(bytes, limit: Self.processesPerCgroup)
      }
      let new = processes.filter { process in !known.contains { $0.identifier == process } }
      found[owner.id]?.processes += new.prefix(Self.processesPerContainer - known.count).map {
        LocatedProcess(identifier: $0, membership: .cgroup(path))
      }
    } catch {
      record(error)
    }
  }

  /// Ignores cgroups removed during the walk, whose containers have ended, and threaded cgroups, whose processes the cgroup above them
  /// lists.
  private mutating func record(_ error: ProcFSError) {
    if !error.isGone, !error.isNotSupported, !problems.contains(error) { problems.append(error) }
  }
}

extension CgroupTree.Context {
  /// Descends into the cgroup of a container.
  fileprivate mutating func enter(_ owner: CgroupTree.Owner, podUID: String?) {
    if container?.id != owner.id {
      nesting = ContainerNesting(level: nesting.level + 1, podUID: nesting.level == 0 ? podUID : nesting.podUID)
    }
    container = owner
  }
}
