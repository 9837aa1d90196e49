/// The annotations that we read.
package enum Annotations {
  static let prefix = "rollcall.dev/"

  /// On a Pod: `"true"` exempts its containers.
  package static let ignore = "rollcall.dev/ignore"
  /// On a Node: where it is reached, instead of its own addresses.
  package static let address = "rollcall.dev/address"
  /// On a Windows Node: where its exporter is and what it is asked for, instead of the settings `--windows-port` and so on.
  package static let windowsScheme = "rollcall.dev/windows-scheme"
  package static let windowsPort = "rollcall.dev/windows-port"
  package static let windowsPath = "rollcall.dev/windows-path"
  /// Names of collectors with commas between them.
  package static let windowsCollect = "rollcall.dev/windows-collect"
  /// On a Windows Node: instead of `--windows-source`.
  package static let windowsSource = "rollcall.dev/windows-source"

  /// On a virtual Node or on one of its Pods: where cAdvisor's page is, instead of the settings `--virtual-scheme` and so on, as
  /// `http://:8080/metrics/cadvisor`.
  package static let cadvisor = "rollcall.dev/cadvisor"
  /// On a virtual Node: instead of `--virtual-from`.
  package static let cadvisorFrom = "rollcall.dev/cadvisor-from"
  /// A label of a virtual Node, where the port alone is another: labels cannot hold a URL.
  package static let cadvisorPort = "rollcall.dev/cadvisor-port"

  /// What a record has to keep.
  package static let keptPrefixes = [prefix]

  /// For people, where an annotation or a label says what it cannot mean.
  static func refusal(_ name: String, _ text: String, accepted: String) -> String {
    "\(name): \"\(text)\" is not accepted; accepted is \(accepted)"
  }
}
