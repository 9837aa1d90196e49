import ContainerRuntimes
import Glibc
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
    // A namespace needs its files and a descriptor for each process of a container. A pod has two or three.
    return max(0, min((limit - reserve) / (NetworkFiles.descriptors + 3 * ProcessDirectory.descriptors), maximumNamespaces))
  }
}

/// How the agent finds the processes of containers.
enum LocatorChoice: Hashable, Sendable {
  case cgroup
  /// - Parameter socket: `nil` uses the first existing one of `usualSockets`.
  case runtime(Runtime, socket: String?)

  enum Runtime: String, Hashable, Sendable {
    case cri, docker

    /// The default socket paths of the runtimes.
    var usualSockets: [String] {
      switch self {
      case .cri: ["/run/containerd/containerd.sock", "/run/crio/crio.sock", "/run/k3s/containerd/containerd.sock"]
      case .docker: ["/run/docker.sock", "/run/podman/podman.sock"]
      }
    }
  }

  func makeLocator(cgroup: String, procFS: ProcFS, eventLoops: any EventLoopGroup) -> any ContainerLocator {
    guard case .runtime(let runtime, let path) = self else { return CgroupLocator(root: cgroup, now: monotonicNow) }
    let usual = runtime.usualSockets
    let socket = RuntimeSocket(path: path ?? usual.first { access($0, F_OK) == 0 } ?? usual[0], eventLoops: eventLoops)
    return switch runtime {
    case .cri: RuntimeLocator(CRIRuntime(socket), procFS: procFS)
    case .docker: RuntimeLocator(DockerEngine(socket), procFS: procFS)
    }
  }
}
