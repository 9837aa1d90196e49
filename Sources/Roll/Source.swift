/// How the containers of a node are collected.
package enum Source: String, CaseIterable, Codable, Hashable, Sendable {
  /// By `rollcall-agent` on the node, from `/proc/<pid>/net`.
  case linux
  /// From the node's windows_exporter.
  case windows
  /// From every pod's own cAdvisor endpoint: the node has no host that we could ask.
  case virtual
}
