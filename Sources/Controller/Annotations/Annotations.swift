/// Annotations that Rollcall reads.
package enum Annotations {
  static let prefix = "rollcall.dev/"

  /// On a Pod, a Node or a Namespace: `"true"` exempts its containers.
  package static let ignore = "rollcall.dev/ignore"
  /// On a Node: overrides the addresses in its status.
  package static let address = "rollcall.dev/address"
  /// On a Windows Node: override `--windows-scheme`, `--windows-port`, `--windows-path` and `--windows-collect`.
  package static let windowsScheme = "rollcall.dev/windows-scheme"
  package static let windowsPort = "rollcall.dev/windows-port"
  package static let windowsPath = "rollcall.dev/windows-path"
  /// Comma-separated names of collectors.
  package static let windowsCollect = "rollcall.dev/windows-collect"
  /// On a Windows Node: overrides `--windows-source`.
  package static let windowsSource = "rollcall.dev/windows-source"

  /// On a virtual Node or one of its Pods: the cAdvisor endpoint, such as `http://:8080/metrics/cadvisor`. Overrides `--virtual-scheme`,
  /// `--virtual-port` and `--virtual-path`.
  package static let cadvisor = "rollcall.dev/cadvisor"
  /// On a virtual Node: overrides `--virtual-from`.
  package static let cadvisorFrom = "rollcall.dev/cadvisor-from"
  /// A label on a virtual Node: overrides `--virtual-port`. A label cannot hold a URL.
  package static let cadvisorPort = "rollcall.dev/cadvisor-port"

  /// On a Node that kwok simulates. Source: https://kwok.sigs.k8s.io/docs/user/kwok-manage-nodes-and-pods/.
  static let kwokNode = "kwok.x-k8s.io/node"

  /// Prefixes of the annotations that the records of Pods keep.
  package static let keptPrefixes = [prefix]
  /// Prefixes of the annotations that the records of Nodes keep.
  package static let keptOnNodes = [prefix, kwokNode]

  static let acceptedPorts = "a port of the settings or of --annotation-ports"

  /// The note about an annotation or label with an invalid value.
  static func refusal(_ name: String, _ text: String, accepted: String) -> String {
    "\(name): \"\(text)\" is invalid; expected \(accepted)"
  }
}
