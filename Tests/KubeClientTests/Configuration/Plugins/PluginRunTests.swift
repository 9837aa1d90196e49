import Foundation
import JSON
import Primitives
import TestSupport
import Testing

@testable import KubeClient

/// Running a credential plugin: its input, its output, its failures (R22).
@Suite(.timeLimit(.minutes(2)))
struct PluginRunTests {
  let directory: ConfigurationDirectory
  let location = ConfigurationLocation(file: "/k/config", line: 8, entry: "user \"u\"")

  init() throws { directory = try ConfigurationDirectory() }

  private func plugin(_ body: String) throws -> CredentialPlugin {
    CredentialPlugin(command: try directory.script("plugin", body), location: location)
  }

  private func run(
    _ plugin: CredentialPlugin, _ configuration: ClusterConfiguration = ClusterConfiguration(server: "https://h"),
    deadline: Duration = .seconds(60)
  ) async throws(ConfigurationError) -> PluginCredential {
    try await PluginRun(plugin: plugin, configuration: configuration, deadline: deadline).credential()
  }

  private func failure(_ plugin: CredentialPlugin, deadline: Duration = .seconds(60)) async throws -> String {
    let error = try #require(await #expect(throws: ConfigurationError.self) { try await run(plugin, deadline: deadline) })
    #expect(error.description.hasPrefix("/k/config:8: user \"u\": the credential plugin \(plugin.command) "), "\(error)")
    return error.description
  }

  @Test(arguments: CredentialPlugin.APIVersion.allCases)
  func `a plugin returns a token`(version: CredentialPlugin.APIVersion) async throws {
    let command = try directory.plugin(version: version, status: #"{"token":"t","expirationTimestamp":"2026-01-01T00:00:00Z"}"#)
    let credential = try await run(CredentialPlugin(command: command, apiVersion: version))
    #expect(credential == PluginCredential(token: Secret("t"), expiry: Timestamp(rfc3339: "2026-01-01T00:00:00Z")))
  }

  @Test func `a plugin returns a certificate`() async throws {
    let lines = { (pem: String) in pem.split(separator: "\n").joined(separator: #"\\n"#) }
    let command = try directory.plugin(
      status: #"{"clientCertificateData":"\#(lines(PEMSample.certificate))","clientKeyData":"\#(lines(PEMSample.key))"}"#)
    let credential = try await run(CredentialPlugin(command: command))
    #expect(credential.token == nil)
    #expect(credential.certificate?.revealedText.hasPrefix("-----BEGIN CERTIFICATE-----") == true)
    #expect(credential.key?.revealedText.hasPrefix("-----BEGIN PRIVATE KEY-----") == true)
  }

  @Test func `a plugin gets arguments and environment, but no terminal`() async throws {
    var plugin = try plugin(
      """
      cat > '\(directory.path)/stdin'
      if (: < /dev/tty) 2>/dev/null; then echo terminal; fi
      printf '%s|' "$@" "$REGION" "$HOME" > '\(directory.path)/seen'
      printf '%s' "$KUBERNETES_EXEC_INFO" > '\(directory.path)/info'
      echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}'
      """)
    plugin.arguments = ["get token", "$HOME", ""]
    plugin.environment = ["REGION": "eu-1", "HOME": "/elsewhere"]
    _ = try await run(plugin)
    #expect(try directory.text("seen") == "get token|$HOME||eu-1|/elsewhere|")
    #expect(try directory.text("stdin") == "")
    let information = try JSONValue(parsing: Array(try directory.text("info").utf8))
    #expect(
      information
        == ["apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "spec": ["interactive": false]])
  }

  @Test func `a plugin gets the cluster's settings if it wants them`() async throws {
    var plugin = CredentialPlugin(command: "x", apiVersion: .v1beta1, providesClusterInfo: true, clusterConfiguration: ["audience": "a"])
    let authorities = try directory.write("ca.crt", PEMSample.certificate)
    let configuration = ClusterConfiguration(
      server: "https://h:6443", tls: ClusterTLS(certificateAuthorities: .file(authorities), serverName: "api"),
      proxy: ProxyServer(url: "http://p:1"))
    let information = try JSONValue(parsing: Array(try plugin.executionInformation(configuration).utf8))
    #expect(information["apiVersion"] == "client.authentication.k8s.io/v1beta1")
    #expect(
      information["spec"]?["cluster"]
        == [
          "server": "https://h:6443", "tls-server-name": "api", "certificate-authority-data": .string(PEMSample.encodedCertificate),
          "proxy-url": "http://p:1", "config": ["audience": "a"],
        ])
    plugin.providesClusterInfo = false
    #expect(try !plugin.executionInformation(configuration).contains("https://h"))
  }

  @Test(arguments: ["no-such-plugin", "/nowhere/no-such-plugin"])
  func `a missing command shows the install hint`(command: String) async throws {
    let plugin = CredentialPlugin(command: command, installHint: "get it at the shop", location: location)
    let message = try await failure(plugin)
    #expect(message.hasSuffix("is not installed, or cannot be run; get it at the shop"), "\(message)")
  }

  @Test func `a file that is not executable is an error`() async throws {
    let plugin = CredentialPlugin(command: try directory.write("plugin", "#!/bin/sh\n"), location: location)
    _ = try await failure(plugin)
  }

  @Test func `an error has the exit status and standard error`() async throws {
    let message = try await failure(plugin("echo 'no network:\n  giving up' >&2; exit 3"))
    #expect(message.contains("exited with status 3; standard error: no network: giving up; "), "\(message)")
    let killed = try await failure(plugin("kill -9 $$"))
    #expect(killed.contains("was killed by signal 9"), "\(killed)")
  }

  @Test(arguments: [
    ("", "is empty"),
    ("hunter2", "is not a JSON object (8 bytes)"),
    (#"["hunter2"]"#, "is not a JSON object"),
    (#"{"kind":"Pod","status":{"token":"hunter2"}}"#, "is not of kind ExecCredential"),
    (
      #"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1beta1"}"#,
      "has apiVersion client.authentication.k8s.io/v1beta1"
    ),
    (
      #"{"kind":"ExecCredential","apiVersion":"hunter2"}"#,
      "has another apiVersion instead of the configured client.authentication.k8s.io/v1"
    ),
    (status("{}"), "holds no credential"),
    (status(#"{"token":""}"#), "holds no credential"),
    (status(#"{"token":7}"#), "has a token that is not text"),
    (status(#"{"token":"hunter2 hunter2"}"#), "has white space"),
    (status(#"{"token":"hunter2","expirationTimestamp":"soon"}"#), "has an expirationTimestamp that is not RFC 3339"),
    (status(#"{"clientCertificateData":"hunter2"}"#), "holds one of clientCertificateData and clientKeyData"),
    (status(#"{"clientCertificateData":"hunter2","clientKeyData":"hunter2"}"#), "has a certificate or key that is not PEM"),
  ])
  func `output that is not a credential`(output: String, reason: String) async throws {
    try directory.write("output", output.isEmpty ? "" : output + "\n")
    let message = try await failure(plugin("cat '\(directory.path)/output'"))
    #expect(message.contains("its standard output \(reason)"), "\(message)")
    #expect(!message.contains("hunter2"), "\(message)")
  }

  private static func status(_ status: String) -> String {
    #"{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":\#(status)}"#
  }

  @Test(
    arguments: [
      "sleep 600 & echo $! > child; wait",
      "trap '' TERM; sleep 600 & echo $! > child; wait; sleep 600",
    ])
  func `a hanging plugin is terminated with its child processes`(body: String) async throws {
    let message = try await failure(plugin("cd '\(directory.path)'; \(body)"), deadline: .seconds(3))
    #expect(message.contains("did not end within 3.0 seconds"), "\(message)")
    let child = try #require(directory.text("child").split(separator: "\n").first)
    // For a terminated process the file is first empty, then missing.
    try await eventually("the plugin's child ends") {
      (try? String(contentsOfFile: "/proc/\(child)/cmdline", encoding: .utf8))?.isEmpty ?? true
    }
  }

  @Test(arguments: [1, 2]) func `a plugin with endless output is terminated`(output: Int) async throws {
    let message = try await failure(plugin("yes 1>&\(output)"))
    #expect(message.contains("wrote more than 1048576 bytes"), "\(message)")
  }

  @Test func `cancellation terminates the plugin`() async throws {
    let plugin = try plugin("echo started > '\(directory.path)/started'; sleep 600")
    let running = Task { try await run(plugin) }
    while (try? directory.text("started")) != "started\n" { await Task.yield() }
    running.cancel()
    #expect(await running.result == .failure(ConfigurationError.cancelled))
  }

  @Test func `R26: secrets are neither quoted nor shown`() async throws {
    var plugin = try plugin("echo \"sent hunter2hunter2 and eyJhbGciOiJSUzI1NiIsImtpZCI6.x to $1 for $SECRET\" >&2; exit 1")
    plugin.arguments = ["passphrase-1"]
    plugin.environment = ["SECRET": "hunter2hunter2"]
    let message = try await failure(plugin)
    #expect(message.contains("standard error: sent (redacted) and (redacted).x to (redacted) for (redacted); "), "\(message)")
    var shown = "\(plugin) \(String(reflecting: plugin)) \(ClusterCredentials.plugin(plugin))"
    dump(plugin, to: &shown)
    dump(PluginCredential(token: Secret("hunter2")), to: &shown)
    #expect(!shown.contains("hunter2") && !shown.contains("passphrase"))
  }
}

extension Result where Success == PluginCredential, Failure == any Error {
  fileprivate static func == (left: Self, right: Result<PluginCredential, ConfigurationError>) -> Bool {
    switch (left, right) {
    case (.success(let left), .success(let right)): left == right
    case (.failure(let left), .failure(let right)): left as? ConfigurationError == right
    default: false
    }
  }
}
