package import Primitives

/// A container of a Pod.
public struct ContainerRecord: Hashable, Sendable {
  /// The list of the Pod that has the container. A restartable init container (sidecar) is `initialization`.
  public enum Kind: UInt8, Hashable, Sendable {
    case regular, initialization, ephemeral
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
  /// Whether it is a Windows host process.
  public let hostProcess: Bool

  /// As the kubelet reports it, e.g. `containerd://…`; empty before the container is created.
  public var containerID: String { id.description }

  public init(
    name: String, kind: Kind = .regular, containerID: String = "", state: State = .waiting(reason: ""), hostProcess: Bool = false
  ) {
    self.init(name: name, kind: kind, id: ContainerStatusID(containerID), state: state, hostProcess: hostProcess)
  }

  package init(name: String, kind: Kind, id: ContainerStatusID, state: State, hostProcess: Bool) {
    self.name = name
    self.kind = kind
    self.id = id
    self.state = state
    self.hostProcess = hostProcess
  }
}
