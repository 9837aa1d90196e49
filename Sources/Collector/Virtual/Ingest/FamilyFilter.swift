/// Which families of a page are kept: all that a pattern of `kept` covers and none of `dropped` does. A pattern is a name, or the
/// beginning of one with `*` behind it.
package struct FamilyFilter: Hashable, Sendable {
  private struct Pattern: Hashable, Sendable {
    var name: [UInt8]
    var isPrefix: Bool

    init(_ text: String) {
      isPrefix = text.hasSuffix("*")
      name = Array((isPrefix ? text.dropLast() : text[...]).utf8)
    }

    func covers(_ family: UnsafeRawBufferPointer) -> Bool {
      isPrefix ? family.starts(with: name) : family.elementsEqual(name)
    }
  }

  private let kept: [Pattern]
  private let dropped: [Pattern]

  package init(kept: [String], dropped: [String] = []) {
    self.kept = kept.map(Pattern.init)
    self.dropped = dropped.map(Pattern.init)
  }

  /// What a kubelet's `/metrics/cadvisor` has of containers.
  package static let standard = FamilyFilter(kept: ["container_*"])

  package static let everything = FamilyFilter(kept: ["*"])

  package func keeps(_ family: UnsafeRawBufferPointer) -> Bool {
    kept.contains { $0.covers(family) } && !dropped.contains { $0.covers(family) }
  }
}
