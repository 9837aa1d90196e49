/// Selects families by name: those that a pattern of `kept` matches and no pattern of `dropped` does. A pattern is a name, or a prefix
/// followed by `*`.
package struct FamilyFilter: Hashable, Sendable {
  private struct Pattern: Hashable, Sendable {
    var name: [UInt8]
    var isPrefix: Bool

    init(_ text: String) {
      isPrefix = text.hasSuffix("*")
      name = Array((isPrefix ? text.dropLast() : text[...]).utf8)
    }

    func matches(_ family: UnsafeRawBufferPointer) -> Bool {
      isPrefix ? family.starts(with: name) : family.elementsEqual(name)
    }
  }

  private let kept: [Pattern]
  private let dropped: [Pattern]

  package init(kept: [String], dropped: [String] = []) {
    self.kept = kept.map(Pattern.init)
    self.dropped = dropped.map(Pattern.init)
  }

  /// The container families of a kubelet's `/metrics/cadvisor`.
  package static let standard = FamilyFilter(kept: ["container_*"])

  package static let everything = FamilyFilter(kept: ["*"])

  package func keeps(_ family: UnsafeRawBufferPointer) -> Bool {
    kept.contains { $0.matches(family) } && !dropped.contains { $0.matches(family) }
  }
}
