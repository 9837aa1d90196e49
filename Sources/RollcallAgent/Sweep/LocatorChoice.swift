import ContainerRuntimes
import Glibc
import LinuxCollector
import NIOCore
import ProcFS

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
