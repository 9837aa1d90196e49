internal import Identifiers

// A container in the tail of a Pod's record: a byte of its kind, its state and more; its name; its ID; then the start, if it runs and the
// kubelet says since when, or the reason, if it waits.

private enum PackedState: UInt8 {
  case waiting, running, runningSince, terminated
}

extension PackedWriter {
  mutating func append(_ container: ContainerDraft, of buffer: RawSpan) {
    let state: PackedState =
      switch container.state {
      case .waiting: .waiting
      case .running(nil): .running
      case .running: .runningSince
      case .terminated: .terminated
      }
    append(byte: container.kind.rawValue | state.rawValue << 2 | (container.hostProcess == true ? 1 << 4 : 0))
    append(text: container.name, of: buffer)
    append(buffer.extracting(container.containerID).withUnsafeBytes { ContainerID(bytes: $0) })
    switch container.state {
    case .waiting(let reason): append(text: reason, of: buffer)
    case .running(let startedAt?): append(word: UInt64(bitPattern: startedAt))
    case .running(nil), .terminated: break
    }
  }
}

extension PackedReader {
  /// Passes over a container but for its ID.
  mutating func skimContainer() -> ContainerID {
    let first = byte()
    _ = textBytes()
    let id = containerID()
    switch PackedState(rawValue: first >> 2 & 3) ?? .terminated {
    case .waiting: _ = textBytes()
    case .runningSince: _ = word()
    case .running, .terminated: break
    }
    return id
  }

  mutating func container() -> ContainerRecord {
    let first = byte()
    let name = text()
    let id = containerID()
    let state: ContainerRecord.State =
      switch PackedState(rawValue: first >> 2 & 3) ?? .terminated {
      case .waiting: .waiting(reason: text())
      case .running: .running(startedAtUnixMilliseconds: nil)
      case .runningSince: .running(startedAtUnixMilliseconds: Int64(bitPattern: word()))
      case .terminated: .terminated
      }
    return ContainerRecord(
      name: name, kind: ContainerRecord.Kind(rawValue: first & 3) ?? .regular, id: id, state: state, hostProcess: first & 1 << 4 != 0)
  }
}

extension ContainerDraft {
  /// The texts are added to the arena.
  init(_ container: ContainerRecord, in arena: inout TextArena) {
    kind = container.kind
    name = arena.add(container.name)
    hostProcess = container.hostProcess
    containerID = arena.add(container.containerID)
    switch container.state {
    case .waiting(let reason): state = .waiting(reason: arena.add(reason))
    case .running(let startedAt): state = .running(startedAtUnixMilliseconds: startedAt)
    case .terminated: state = .terminated
    }
  }
}
