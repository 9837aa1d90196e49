/// A container's ID in 32 bytes. All common runtimes use 64 lower-case hexadecimal digits.
package struct ContainerID: Hashable, Sendable {
  package static let digits = 64

  /// Most significant first.
  package let words: (UInt64, UInt64, UInt64, UInt64)

  package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// `nil` for anything but 64 digits.
  package init?(bytes: UnsafeRawBufferPointer) {
    guard bytes.count == Self.digits, let a = hexadecimal(bytes, at: 0), let b = hexadecimal(bytes, at: 16),
      let c = hexadecimal(bytes, at: 32), let d = hexadecimal(bytes, at: 48)
    else { return nil }
    words = (a, b, c, d)
  }

  /// `nil` for anything but 64 digits.
  package init?(_ text: String) {
    var text = text
    guard let id = text.withUTF8({ ContainerID(bytes: UnsafeRawBufferPointer($0)) }) else { return nil }
    self = id
  }

  package static func == (left: ContainerID, right: ContainerID) -> Bool { left.words == right.words }

  package func hash(into hasher: inout Hasher) {
    withUnsafeBytes(of: words) { hasher.combine(bytes: $0) }
  }
}

extension ContainerID: Comparable {
  package static func < (left: ContainerID, right: ContainerID) -> Bool { left.words < right.words }
}

extension ContainerID: CustomStringConvertible {
  package var description: String {
    String(unsafeUninitializedCapacity: Self.digits) { buffer in
      var offset = 0
      write(to: buffer, at: &offset)
      return offset
    }
  }

  /// The first twelve digits, as `docker ps` and `crictl ps` print them.
  package var short: String { String(description.prefix(12)) }

  func write(to buffer: UnsafeMutableBufferPointer<UInt8>, at offset: inout Int) {
    for word in [words.0, words.1, words.2, words.3] { Primitives.write(hexadecimal: word, to: buffer, at: &offset) }
  }
}

/// The `containerID` of a Pod's container status, `<runtime>://<id>`. Takes 33 bytes for the IDs of common runtimes.
///
/// Source: `ContainerStatus` in k8s.io/api/core/v1/types.go.
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

  /// The ID without the runtime; `nil` if it does not have 64 digits.
  package var id: ContainerID? {
    guard case .id(let id, _) = form else { return nil }
    return id
  }

  /// The runtime; `nil` if it is unknown or the ID does not have 64 digits.
  package var runtime: Runtime? {
    guard case .id(_, let runtime) = form else { return nil }
    return runtime
  }

  package var isEmpty: Bool { form == .text("") }

  /// The ID without the runtime, as the node knows the container.
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
