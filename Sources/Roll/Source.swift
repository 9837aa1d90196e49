/// The way in which the containers of a node are collected.
package enum Source: String, CaseIterable, Codable, Hashable, Sendable {
  /// By `rollcall-agent` on the node, which reads `/proc/<pid>/net`.
  case linux
  /// From the node's windows_exporter or the kubelet's summary.
  case windows
  /// From each pod's own cAdvisor endpoint, since a virtual node has no host.
  case virtual
}
