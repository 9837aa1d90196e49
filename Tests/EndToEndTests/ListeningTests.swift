import Foundation
import TestSupport
import Testing

/// Which families agent and controller listen for, each in a network namespace of its own.
@Suite(.enabled(if: geteuid() == 0, "needs root: creates network namespaces"), .timeLimit(.minutes(5)))
struct ListeningTests {
  enum Executable: String, CaseIterable {
    case agent, controller

    func start(in namespace: String, _ options: [String], folder: TemporaryFolder) throws -> ExternalProgram {
      let command: [String]
      switch self {
      case .agent: command = [try builtExecutable("rollcall-agent"), "--tls-dir", folder.path]
      case .controller:
        // Nothing answers there, and the server listens all the same.
        let kubeconfig = try folder.write(
          """
          {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "u", "user": {}}],
           "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
          """, to: "kubeconfig")
        command = [try builtExecutable("rollcall"), "controller", "--kubeconfig", kubeconfig, "--namespace", "rollcall"]
      }
      return try ExternalProgram("ip", ["netns", "exec", namespace] + command + options, log: "\(folder.path)/program.log")
    }

    var port: Int { self == .agent ? 9753 : 9750 }
  }

  struct Case: CustomTestStringConvertible {
    var testDescription: String
    var sysctls: [String] = []
    /// `nil` for the default.
    var listen: String?
    var answersIPv4 = true
    var answersIPv6: Bool

    static let all = [
      Case(testDescription: "by default", answersIPv6: true),
      Case(testDescription: "a port without an address", listen: ":", answersIPv6: true),
      Case(testDescription: "all of IPv6", listen: "[::]:", answersIPv6: true),
      Case(testDescription: "all of IPv4", listen: "0.0.0.0:", answersIPv6: false),
      Case(testDescription: "IPv6 switched off", sysctls: ["net.ipv6.conf.all.disable_ipv6=1"], answersIPv6: false),
      Case(testDescription: "sockets restricted to IPv6", sysctls: ["net.ipv6.bindv6only=1"], answersIPv6: true),
    ]
  }

  @Test(arguments: Executable.allCases, Case.all)
  func `R76: without an address both families are served`(
    executable: Executable, one: Case
  ) async throws {
    let namespace = "rollcall-test-\(UUID().uuidString.prefix(8))"
    try Shell.run("ip", "netns", "add", namespace)
    defer { _ = try? Shell.run("ip", "netns", "del", namespace) }
    try Shell.run("ip", "-n", namespace, "link", "set", "lo", "up")
    for sysctl in one.sysctls { try Shell.run("ip", "netns", "exec", namespace, "sysctl", "-qw", sysctl) }
    let folder = try TemporaryFolder()
    let options = one.listen.map { ["--listen", "\($0)\(executable.port)"] } ?? []
    let program = try executable.start(in: namespace, options, folder: folder)
    defer { program.stop() }
    func answers(_ host: String) -> Bool {
      let url = "http://\(host):\(executable.port)/livez"
      return (try? Shell.run("ip", "netns", "exec", namespace, "curl", "-sSf", "--noproxy", "*", "--max-time", "10", "-g", url)) != nil
    }
    try await eventually("it serves IPv4: \(program.output)") { answers("127.0.0.1") == one.answersIPv4 }
    #expect(answers("[::1]") == one.answersIPv6, "\(program.output)")
  }
}
