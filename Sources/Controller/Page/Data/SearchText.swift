internal import Glibc
internal import Primitives

/// Finds what somebody typed in names, as bytes: names of Kubernetes are in lower case, except those of some custom resources.
enum SearchText {
  static func contains(_ text: [UInt8], in bytes: UnsafeRawBufferPointer) -> Bool {
    guard !text.isEmpty else { return true }
    guard var place = bytes.baseAddress, bytes.count >= text.count else { return false }
    let last = place + (bytes.count - text.count)
    return text.withUnsafeBytes { text in
      // As memmem does, which the module Glibc does not have.
      while place <= last {
        guard let found = memchr(place, Int32(text[0]), last - place + 1) else { return false }
        if let start = text.baseAddress, memcmp(found, start, text.count) == 0 { return true }
        place = UnsafeRawPointer(found) + 1
      }
      return false
    }
  }

  static func contains(_ text: [UInt8], _ name: String) -> Bool {
    var name = name.lowercased()
    return name.withUTF8 { contains(text, in: UnsafeRawBufferPointer($0)) }
  }

  /// Whether the name of the Pod or of its namespace has the text.
  static func contains(_ text: [UInt8], _ pod: PodIdentity) -> Bool {
    pod.withNameBytes { contains(text, in: $0) } || pod.namespace.withBytes { contains(text, in: $0) }
  }

  /// Whether `namespace/pod/container` has the text although neither the namespace nor the Pod's name has it.
  static func contains(_ text: [UInt8], _ pod: PodIdentity, _ container: Name) -> Bool {
    // A text without a slash is in one of the names.
    guard text.contains(UInt8(ascii: "/")) else { return container.withBytes { contains(text, in: $0) } }
    var whole: [UInt8] = []
    pod.namespace.withBytes { whole += $0 }
    whole.append(UInt8(ascii: "/"))
    pod.withNameBytes { whole += $0 }
    whole.append(UInt8(ascii: "/"))
    container.withBytes { whole += $0 }
    return whole.withUnsafeBytes { contains(text, in: $0) }
  }
}
