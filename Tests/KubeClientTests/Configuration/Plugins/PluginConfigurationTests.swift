import JSON
import Testing

@testable import KubeClient

/// R22: credential plugins in a kubeconfig.
@Suite struct PluginConfigurationTests {
  let directory: ConfigurationDirectory

  init() throws { directory = try ConfigurationDirectory() }

  private func credentials(user: String, cluster: String = "server: https://h") throws -> ClusterCredentials {
    let path = try directory.write("config", kubeconfig(cluster: cluster, user: user))
    return try directory.load(kubeconfig: path).credentials
  }

  @Test func `all fields of exec`() throws {
    let credentials = try credentials(
      user: """
        exec: {command: aws, args: [eks, get-token], env: [{name: A, value: "1"}, {name: B, value: ""}, {name: C}, {name: D, value: null}], installHint: buy it,
          apiVersion: client.authentication.k8s.io/v1, provideClusterInfo: true, interactiveMode: IfAvailable}
        """,
      cluster:
        "server: https://h, extensions: [{name: other, extension: 1}, {name: client.authentication.k8s.io/exec, extension: {a: [b]}}]")
    #expect(
      credentials
        == .plugin(
          CredentialPlugin(
            command: "aws", arguments: ["eks", "get-token"], environment: ["A": "1", "B": "", "C": "", "D": ""], apiVersion: .v1,
            installHint: "buy it",
            providesClusterInfo: true, clusterConfiguration: ["a": ["b"]],
            location: ConfigurationLocation(file: "\(directory.path)/config", line: 9, entry: "user \"u\""))))
  }

  @Test(arguments: [("./bin/x", true), ("bin/x", true), ("/bin/x", false)])
  func `a command with a slash is relative to the kubeconfig`(command: String, isRelative: Bool) throws {
    let credentials = try credentials(user: "exec: {command: \(command), apiVersion: client.authentication.k8s.io/v1beta1, args: null}")
    guard case .plugin(let plugin) = credentials else {
      Issue.record("no plugin: \(credentials)")
      return
    }
    #expect(plugin.command == (isRelative ? "\(directory.path)/\(command)" : command))
    #expect(plugin.arguments.isEmpty && plugin.environment.isEmpty)
  }

  @Test func `a token takes precedence over a plugin, as in kubectl`() throws {
    #expect(try credentials(user: "token: t, exec: {command: x}") == .token(Secret("t")))
  }
}
