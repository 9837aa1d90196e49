/// How large a text may be, so that one which was made to hurt costs little.
package struct YAMLLimits: Hashable, Sendable {
  /// Of the text, and again of all scalars together once every alias stands for what it names.
  package var bytes: Int
  /// Values and keys of all documents together, once every alias stands for what it names.
  package var nodes: Int
  /// Sequences and mappings within each other. What reads a tree may recurse, so this also bounds the stack.
  package var depth: Int

  package init(bytes: Int = 4 << 20, nodes: Int = 250_000, depth: Int = 100) {
    self.bytes = bytes
    self.nodes = nodes
    self.depth = depth
  }
}
