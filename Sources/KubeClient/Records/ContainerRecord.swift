package import Primitives

/// What we keep of a container of a Pod.
public struct ContainerRecord: Hashable, Sendable {
  /// Which of a Pod's lists of containers it is in. An initialization container that is to stay (a sidecar) is one like the others here.
  public enum Kind: UInt8, Hashable, Sendable {
    case regular, initialization, ephemeral
  }

  /// What the kubelet last said of it.
  public enum State: Hashable, Sendable {
    /// Not running yet, or not again; the reason may be empty.
    case waiting(reason: String)
    /// Since when, if the kubelet says.
    case running(startedAtUnixMilliseconds: Int64?)
    case terminated
  }

  /// Unique within its Pod, over all kinds.
  public let name: String
  /// Which list it is in.
  public let kind: Kind
  /// As the kubelet reports it, in binary.
  package let id: ContainerID
  /// Whether it runs.
  public let state: State
  /// Whether this is a Windows process on the host itself.
  public let hostProcess: Bool

  /// As the kubelet reports it, `containerd://…`; empty before the container was created.
  public var containerID: String { id.description }

  public init(
    name: String, kind: Kind = .regular, containerID: String = "", state: State = .waiting(reason: ""), hostProcess: Bool = false
  ) {
    self.init(name: name, kind: kind, id: ContainerID(containerID), state: state, hostProcess: hostProcess)
  }

  package init(name: String, kind: Kind, id: ContainerID, state: State, hostProcess: Bool) {
    self.name = name
    self.kind = kind
    self.id = id
    self.state = state
    self.hostProcess = hostProcess
  }
}
