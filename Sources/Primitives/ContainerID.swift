/// A container's ID as the kubelet reports it: 32 bytes and the name of the runtime where it is 64 digits, which is what every runtime in use
/// gives.
///
/// Source of the form `<runtime>://<id>`: `containerID` of `ContainerStatus` in k8s.io/api/core/v1/types.go.
package struct ContainerID: Hashable, Sendable {
  /// What stands before the ID.
  package enum Runtime: UInt8, CaseIterable, Sendable {
    /// Nothing: the bare ID.
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
    case digest(Digest, Runtime)
    /// Any other text, exactly as it came; empty before the container was created.
    case text(String)
  }
  private let form: Form

  package init(_ text: String) {
    var text = text
    self = text.withUTF8 { ContainerID(bytes: UnsafeRawBufferPointer($0)) }
  }

  package init(bytes: UnsafeRawBufferPointer) {
    for runtime in Runtime.allCases where bytes.count == runtime.scheme.utf8CodeUnitCount + 64 {
      guard bytes.starts(with: UnsafeRawBufferPointer(start: runtime.scheme.utf8Start, count: runtime.scheme.utf8CodeUnitCount)),
        let digest = Digest(digits: bytes, at: runtime.scheme.utf8CodeUnitCount)
      else { continue }
      form = .digest(digest, runtime)
      return
    }
    form = .text(String(decoding: bytes, as: UTF8.self))
  }

  package init(_ digest: Digest, runtime: Runtime) { form = .digest(digest, runtime) }

  /// The 32 bytes, where the ID is of the usual form.
  package var digest: Digest? {
    guard case .digest(let digest, _) = form else { return nil }
    return digest
  }

  /// The runtime that the ID names, where it is of the usual form.
  package var runtime: Runtime? {
    guard case .digest(_, let runtime) = form else { return nil }
    return runtime
  }

  package var isEmpty: Bool { form == .text("") }

  /// The same without the runtime's name, whatever its form: what the container is known by on its node.
  package var bare: ContainerID {
    switch form {
    case .digest(let digest, _): return ContainerID(digest, runtime: .unnamed)
    case .text(let text):
      guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")), text[colon...].hasPrefix("://") else { return self }
      return ContainerID(String(text[text.index(colon, offsetBy: 3)...]))
    }
  }
}

extension ContainerID {
  /// The 32 bytes behind 64 digits.
  package struct Digest: Hashable, Sendable {
    /// Most significant first.
    package var words: (UInt64, UInt64, UInt64, UInt64)

    package init(words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

    /// - Returns: `nil` where one of the 64 digits is none. The bytes must be there.
    init?(digits bytes: UnsafeRawBufferPointer, at offset: Int) {
      guard let a = hexadecimal(bytes, at: offset), let b = hexadecimal(bytes, at: offset + 16),
        let c = hexadecimal(bytes, at: offset + 32), let d = hexadecimal(bytes, at: offset + 48)
      else { return nil }
      words = (a, b, c, d)
    }

    package static func == (left: Digest, right: Digest) -> Bool { left.words == right.words }

    package func hash(into hasher: inout Hasher) {
      withUnsafeBytes(of: words) { hasher.combine(bytes: $0) }
    }
  }
}

extension ContainerID: CustomStringConvertible {
  package var description: String {
    switch form {
    case .text(let text): return text
    case .digest(let digest, let runtime):
      let scheme = runtime.scheme
      return String(unsafeUninitializedCapacity: scheme.utf8CodeUnitCount + 64) { buffer in
        var offset = scheme.utf8CodeUnitCount
        for index in 0..<offset { buffer[index] = scheme.utf8Start[index] }
        for word in [digest.words.0, digest.words.1, digest.words.2, digest.words.3] {
          write(hexadecimal: word, to: buffer, at: &offset)
        }
        return offset
      }
    }
  }
}
