import ArgumentParser
import LinuxCollector
import Logging
import Primitives
import Testing

@testable import RollcallAgent

struct SettingsTests {
  private func settings(_ arguments: [String] = [], _ environment: [String: String] = [:]) throws -> AgentSettings {
    try AgentSettings(AgentOptions.parse(arguments), environment: EnvironmentVariables(environment))
  }

  @Test func `the defaults are those of the documentation`() throws {
    let settings = try settings()
    #expect(settings.listen == ListenAddress(host: "", port: 9753))
    #expect(settings.rollListen == ListenAddress(host: "", port: 9754))
    #expect(settings.tlsDirectory == "/etc/rollcall/tls")
    #expect(settings.proc == "/proc")
    #expect(settings.cgroup == "/sys/fs/cgroup")
    #expect(settings.filesystemInterval == .seconds(60))
    #expect(settings.sockets == .inetDiag)
    #expect(settings.compatibility == nil)
    #expect(settings.metricsTLSDirectory == nil)
    #expect(!settings.requiresClientCertificate)
    #expect(settings.netstatInterval == .seconds(30))
    #expect(settings.sweepReuse == .seconds(1))
    #expect(settings.logLevel == .info)
    #expect(!settings.node.isEmpty)
  }

  @Test func `options override the environment, which overrides defaults`() throws {
    let environment = [
      "ROLLCALL_AGENT_ROLL_LISTEN": "[::1]:1", "ROLLCALL_AGENT_PROC": "/host/proc/", "ROLLCALL_AGENT_LOG_LEVEL": "", "NODE_NAME": "node-1",
    ]
    let settings = try settings(["--roll-listen", "127.0.0.1:2"], environment)
    #expect(settings.rollListen == ListenAddress(host: "127.0.0.1", port: 2))
    #expect(settings.proc == "/host/proc")
    #expect(settings.logLevel == .info)
    #expect(settings.node == "node-1")
    #expect(try self.settings([], environment).rollListen == ListenAddress(host: "::1", port: 1))
    #expect(try self.settings([], environment.merging(["ROLLCALL_AGENT_NODE": "node-2"]) { $1 }).node == "node-2")
  }

  @Test func `the locator is the cgroup tree unless a runtime is chosen`() throws {
    #expect(try settings().locator == .cgroup)
    #expect(try settings(["--locator", "docker"]).locator == .runtime(.docker, socket: nil))
    let environment = ["ROLLCALL_AGENT_LOCATOR": "cri", "ROLLCALL_AGENT_RUNTIME_SOCKET": "/run/x.sock"]
    #expect(try settings([], environment).locator == .runtime(.cri, socket: "/run/x.sock"))
  }

  @Test(arguments: [("90s", Duration.seconds(90)), ("5m", .seconds(300)), ("off", nil)])
  func `the file system interval is in seconds or minutes, or off`(text: String, interval: Duration?) throws {
    #expect(try settings(["--filesystem-interval", text]).filesystemInterval == interval)
  }

  @Test(arguments: [
    (
      ["--listen", "9753"], [String: String](),
      "--listen: '9753' is not an address and a port; write it as 0.0.0.0:9753, [::]:9753 or :9753"
    ),
    (["--listen", "::1:9753"], [:], "--listen: '::1:9753'"),
    (["--listen", "host:65536"], [:], "--listen: 'host:65536'"),
    ([], ["ROLLCALL_AGENT_ROLL_LISTEN": "9754:"], "ROLLCALL_AGENT_ROLL_LISTEN: '9754:'"),
    (["--node", ""], [:], "--node is empty; set it to the Node's name, or omit it"),
    (["--cgroup", "cgroup"], [:], "--cgroup: 'cgroup' is not an absolute path; write it as /sys/fs/cgroup"),
    (["--locator", "podman"], [:], "--locator: unknown locator 'podman'; use cgroup, cri or docker"),
    (["--runtime-socket", "/run/x.sock"], [:], "--runtime-socket requires the locator cri or docker; choose one with --locator"),
    (
      ["--locator", "cri", "--runtime-socket", "x.sock"], [:],
      "--runtime-socket: 'x.sock' is not an absolute path; write it as /run/containerd"
    ),
    (["--filesystem-interval", "60"], [:], "--filesystem-interval: '60' is not a duration; write it as 90s or 5m, or off"),
    (["--filesystem-interval", "0s"], [:], "--filesystem-interval: '0s'"),
    (["--sockets", "netlink"], [:], "--sockets: unknown value 'netlink'; use one of off, inet-diag, text, inet-diag-or-text"),
    ([], ["ROLLCALL_AGENT_COMPAT": "statsd"], "ROLLCALL_AGENT_COMPAT: unknown value 'statsd'; use one of cadvisor"),
    (["--metrics-client-certificates", "on"], [:], "--metrics-client-certificates on requires TLS"),
    (["--sweep-reuse", "1"], [:], "--sweep-reuse: '1' is not a duration of at most an hour; write it as 1s or 500ms"),
    ([], ["ROLLCALL_AGENT_LOG_LEVEL": "loud"], "ROLLCALL_AGENT_LOG_LEVEL: 'loud' is not a log level; use one of trace, debug"),
  ])
  func `an invalid value is rejected with its origin and a valid example`(
    arguments: [String], environment: [String: String], message: String
  ) throws {
    let error = try #require(throws: ValidationError.self) { try settings(arguments, environment) }
    #expect(error.message.hasPrefix(message), "\(error.message)")
  }
}
