package import Primitives

/// A container of a Pod.
public struct ContainerRecord: Hashable, Sendable {
  /// The list of the Pod that has the container.
  public enum Kind: UInt8, Hashable, Sendable {
    case regular, initialization, ephemeral
    /// An init container with `restartPolicy: Always`: it runs beside the regular containers.
    case sidecar
  }

  /// The state that the kubelet last reported.
  public enum State: Hashable, Sendable {
    /// Not running yet, or waiting for a restart. The reason may be empty.
    case waiting(reason: String)
    /// `nil` if the kubelet does not report the time.
    case running(startedAtUnixMilliseconds: Int64?)
    case terminated
  }

  /// Unique within the Pod, across all kinds.
  public let name: String
  public let kind: Kind
  /// The container ID in binary.
  package let id: ContainerStatusID
  public let state: State
  /// Whether it is started more than once: a running container is not the first instance, and one that has stopped is started again by the
  /// kubelet, because it waits for that, or because its exit code and restart policy ask for it. Does not consider that the kubelet
  /// restarts no container of a Pod that is finished or being deleted.
  public let restarts: Bool
  /// Whether it is a Windows host process.
  public let hostProcess: Bool

  /// As the kubelet reports it, e.g. `containerd://…`; empty before the container is created.
  public var containerID: String { id.description }

  public init(
    name: String, kind: Kind = .regular, containerID: String = "", state: State = .waiting(reason: ""), restarts: Bool = false,
    hostProcess: Bool = false
  ) {
    self.init(
      name: name, kind: kind, id: ContainerStatusID(containerID), state: state, restarts: restarts, hostProcess: hostProcess)
  }

  package init(name: String, kind: Kind, id: ContainerStatusID, state: State, restarts: Bool, hostProcess: Bool) {
    self.name = name
    self.kind = kind
    self.id = id
    self.state = state
    self.restarts = restarts
    self.hostProcess = hostProcess
  }
}
