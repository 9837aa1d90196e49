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

  /// What a record has to keep.
  package static let keptPrefixes = [prefix]
}
