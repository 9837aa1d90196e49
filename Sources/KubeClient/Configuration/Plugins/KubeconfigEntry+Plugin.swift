internal import JSON
internal import YAML

extension KubeconfigEntry {
  /// The credential plugin of a user entry, from its field `exec`.
  /// - Parameter cluster: its extensions may have settings for the plugin.
  func plugin(for cluster: KubeconfigEntry) throws(ConfigurationError) -> CredentialPlugin? {
    guard let fields = try read("exec", { node throws(YAMLError) in try node.mapping() }) else { return nil }
    var exec = self
    exec.fields = fields
    guard let command = try exec.text("command") else {
      throw invalid("exec", "names no command", "add command: with a program's name or path")
    }
    var plugin = CredentialPlugin(command: command, apiVersion: try exec.pluginVersion(), location: location)
    // Relative paths are resolved as everywhere in the file; a name without a slash is searched in PATH.
    if command.contains("/"), let path = try exec.path("command") { plugin.command = path }
    plugin.arguments = try exec.texts("args")
    plugin.environment = try exec.pluginEnvironment()
    plugin.installHint = try exec.text("installHint")
    plugin.providesClusterInfo = try exec.flag("provideClusterInfo")
    plugin.clusterConfiguration = try cluster.pluginConfiguration()
    try exec.checkInteractiveMode(plugin.apiVersion)
    plugin.location.line = fields.mark.line
    return plugin
  }

  private func pluginVersion() throws(ConfigurationError) -> CredentialPlugin.APIVersion {
    let known = CredentialPlugin.APIVersion.allCases.map(\.rawValue).joined(separator: " or ")
    guard let text = try text("apiVersion") else {
      throw .invalid(location, reason: "its exec has no apiVersion", remedy: "add the one that the plugin supports, \(known)")
    }
    guard let version = CredentialPlugin.APIVersion(rawValue: text) else {
      throw invalid("apiVersion", "of exec, \"\(text)\", is not supported", "use a plugin that supports \(known)")
    }
    return version
  }

  private func pluginEnvironment() throws(ConfigurationError) -> [String: String] {
    try read("env") { node throws(YAMLError) in
      var environment: [String: String] = [:]
      for element in try node.elements() {
        let variable = try element.mapping()
        let name = try variable.required("name")
        guard let text = try name.text().nonEmpty else {
          throw YAMLError(.reading, at: name.mark, "the name of a variable is empty", "write its name")
        }
        environment[text] = try variable.optional("value")?.text() ?? ""
      }
      return environment
    } ?? [:]
  }

  /// This process has no terminal for the plugin. Only v1 requires the field.
  private func checkInteractiveMode(_ version: CredentialPlugin.APIVersion) throws(ConfigurationError) {
    let remedy = "use a plugin that needs no input, with interactiveMode: Never or IfAvailable"
    switch try text("interactiveMode") {
    case "Never", "IfAvailable": return
    case "Always": throw invalid("interactiveMode", "of exec is Always, but this program has no terminal for the plugin", remedy)
    case nil where version == .v1beta1: return
    case nil: throw .invalid(location, reason: "its exec has no interactiveMode, which \(version.rawValue) requires", remedy: remedy)
    case let other?: throw invalid("interactiveMode", "of exec is \"\(other)\", which is unknown", remedy)
    }
  }

  private func pluginConfiguration() throws(ConfigurationError) -> JSONValue? {
    try read("extensions") { node throws(YAMLError) in
      for element in try node.elements() {
        let item = try element.mapping()
        if try item.required("name").text() == "client.authentication.k8s.io/exec" { return item.optional("extension")?.jsonValue }
      }
      return nil
    } ?? nil
  }
}
