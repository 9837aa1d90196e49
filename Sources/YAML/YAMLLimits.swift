/// Limits that bound the cost of malicious texts (R25).
package struct YAMLLimits: Hashable, Sendable {
  /// The maximum size of the text, and of all scalars after expanding aliases.
  package var bytes: Int
  /// The maximum number of values and keys in all documents, after expanding aliases.
  package var nodes: Int
  /// The maximum nesting of sequences and mappings. Also bounds the stack, since consumers may recurse.
  package var depth: Int

  package init(bytes: Int = 4 << 20, nodes: Int = 250_000, depth: Int = 100) {
    self.bytes = bytes
    self.nodes = nodes
    self.depth = depth
  }
}
