import LinuxCollector
import NIOCore
import ProcFS
import ProcessLimits

extension AgentSettings {
  /// The sweeper that the settings describe.
  /// - Parameters:
  ///   - cachedNamespaces: how many network namespaces stay open between sweeps.
  ///   - filesystems: whether sweeps read file systems, at the interval of the settings.
  func sweeper(cachedNamespaces: Int, filesystems: Bool, eventLoops: any EventLoopGroup) -> LinuxSweeper {
    let procFS = ProcFS(root: proc)
    let interval = filesystems ? filesystemInterval : nil
    return LinuxSweeper(
      procFS: procFS, locator: locator.makeLocator(cgroup: cgroup, procFS: procFS, eventLoops: eventLoops), sockets: sockets,
      filesystems: interval.map { FilesystemMonitor(procFS: procFS, interval: $0, now: monotonicNow) }, cachedNamespaces: cachedNamespaces,
      netstatInterval: netstatInterval, now: monotonicNow)
  }
}

/// The limit of open files.
enum OpenFiles {
  /// For connections, certificates, inotify watches of the cgroup tree, and the libraries.
  private static let reserve = 512
  /// A node has a few hundred pods, and the kernel needs up to 32 KiB for the open files of each namespace.
  private static let maximumNamespaces = 1000

  /// Raises the limit as far as permitted.
  /// - Returns: the number of network namespaces that can stay open.
  static func namespaceCapacity() -> Int {
    guard let limit = DescriptorLimit.raise() else { return 0 }
    // A namespace needs its files and a descriptor for each container's process, of which a pod has two or three.
    return max(0, min((limit - reserve) / (NetworkFiles.descriptors + 3 * ProcessDirectory.descriptors), maximumNamespaces))
  }
}
