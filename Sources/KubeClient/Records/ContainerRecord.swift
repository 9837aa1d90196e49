/// What we keep of a container of a Pod.
public struct ContainerRecord: Hashable, Sendable {
  /// Which of a Pod's lists of containers it is in. An initialization container that is to stay (a sidecar) is one like the others here.
  public enum Kind: Hashable, Sendable {
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
  public internal(set) var name: String
  /// Which list it is in.
  public internal(set) var kind: Kind
  /// As the kubelet reports it, `containerd://…`; empty before the container was created.
  public internal(set) var containerID: String
  /// Whether it runs.
  public internal(set) var state: State
  /// Whether this is a Windows process on the host itself.
  public internal(set) var hostProcess: Bool

  public init(
    name: String, kind: Kind = .regular, containerID: String = "", state: State = .waiting(reason: ""), hostProcess: Bool = false
  ) {
    self.name = name
    self.kind = kind
    self.containerID = containerID
    self.state = state
    self.hostProcess = hostProcess
  }
}
