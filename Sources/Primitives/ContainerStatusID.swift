/// The `containerID` of a Pod's container status: 32 bytes and the runtime if it is a runtime's name and 64 digits, which is what every runtime in use
/// gives.
///
/// Source of the form `<runtime>://<id>`: `ContainerStatus` in k8s.io/api/core/v1/types.go.
package struct ContainerStatusID: Hashable, Sendable {
  /// The scheme before the ID.
  package enum Runtime: UInt8, CaseIterable, Sendable {
    /// No scheme: the bare ID.
    case unnamed
    case containerd
    case docker
    case crio

    var scheme: StaticString {
      switch self {
      case .unnamed: ""
      case .containerd: "containerd://"
      case .docker: "docker://"
      case .crio: "cri-o://"
      }
    }
  }

  private enum Form: Hashable {
    case id(ContainerID, Runtime)
    /// Any other text, unchanged; empty before the container was created.
    case text(String)
  }
  private let form: Form

  package init(_ text: String) {
    var text = text
    self = text.withUTF8 { ContainerStatusID(bytes: UnsafeRawBufferPointer($0)) }
  }

  package init(bytes: UnsafeRawBufferPointer) {
    for runtime in Runtime.allCases where bytes.count == runtime.scheme.utf8CodeUnitCount + ContainerID.digits {
      guard bytes.starts(with: UnsafeRawBufferPointer(start: runtime.scheme.utf8Start, count: runtime.scheme.utf8CodeUnitCount)),
        let id = ContainerID(bytes: UnsafeRawBufferPointer(rebasing: bytes.suffix(ContainerID.digits)))
      else { continue }
      form = .id(id, runtime)
      return
    }
    form = .text(String(decoding: bytes, as: UTF8.self))
  }

  package init(_ id: ContainerID, runtime: Runtime) { form = .id(id, runtime) }

  /// The ID without the runtime, if it has the usual form.
  package var id: ContainerID? {
    guard case .id(let id, _) = form else { return nil }
    return id
  }

  /// The runtime, if the ID has the usual form.
  package var runtime: Runtime? {
    guard case .id(_, let runtime) = form else { return nil }
    return runtime
  }

  package var isEmpty: Bool { form == .text("") }

  /// The same without the runtime, in any form: the container's name on its node.
  package var bare: ContainerStatusID {
    switch form {
    case .id(let id, _): return ContainerStatusID(id, runtime: .unnamed)
    case .text(let text):
      guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[colon...].hasPrefix("://") else { return self }
      return ContainerStatusID(String(text[text.index(colon, offsetBy: 3)...]))
    }
  }
}

extension ContainerStatusID: CustomStringConvertible {
  package var description: String {
    switch form {
    case .text(let text): return text
    case .id(let id, let runtime):
      let scheme = runtime.scheme
      return String(unsafeUninitializedCapacity: scheme.utf8CodeUnitCount + ContainerID.digits) { buffer in
        var offset = scheme.utf8CodeUnitCount
        for index in 0..<offset { buffer[index] = scheme.utf8Start[index] }
        id.write(to: buffer, at: &offset)
        return offset
      }
    }
  }
}
