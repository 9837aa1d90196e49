import Foundation
import JSON
import TestSupport
import Testing

@testable import Rollcall

/// Startup errors of the executable: each names the cause, the place and a remedy, and has an exit status.
@Suite struct CommandLineTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> (status: Int32, output: String) {
    let program = try ExternalProgram(
      try builtExecutable("rollcall"), arguments, environment: environment, log: "\(folder.path)/\(UUID())")
    return (try await program.waitForExit(), program.output)
  }

  @Test func `a directory as the configuration file is an error`() async throws {
    let (status, output) = try await run("controller", "--config", folder.path, "--print-config")
    #expect(status == 64)
    #expect(output == "rollcall controller: cannot read the configuration file \(folder.path): Is a directory\n")
  }

  @Test func `the controller reports a taken port`() async throws {
    let taken = try ScriptedServer(script: { _ in })
    let kubeconfig = try folder.write(
      """
      {"clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:1"}}], "users": [{"name": "u", "user": {}}],
       "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
      """, to: "kubeconfig")
    let (status, output) = try await run(
      "controller", "--kubeconfig", kubeconfig, "--namespace", "rollcall", "--listen", "127.0.0.1:\(taken.port)")
    #expect(status == 1)
    #expect(output.contains("rollcall controller: cannot listen on 127.0.0.1:\(taken.port): Address already in use; "), "\(output)")
    #expect(output.contains("--listen"))
  }

  @Test func `the demo reports a taken port before it starts anything`() async throws {
    let taken = try ScriptedServer(script: { _ in })
    let api = try await run("demo", "--api-port", "\(taken.port)", "--listen", "127.0.0.1:0")
    #expect(api.status == 1)
    #expect(
      api.output == """
        Error: cannot listen on 127.0.0.1:\(taken.port) for the simulated API server: Address already in use; \
        is another demo running? End it, or choose another port with --api-port

        """)
    let free = try ClosedPort()
    let listen = try await run("demo", "--api-port", "\(free.number)", "--listen", "127.0.0.1:\(taken.port)")
    #expect(listen.status == 1)
    #expect(listen.output.hasPrefix("Error: cannot listen on 127.0.0.1:\(taken.port) for the controller: "))
    #expect(listen.output.contains("--listen"))
  }

  @Test func `the demo rejects a port without an address`() async throws {
    let (status, output) = try await run("demo", "--listen", "9750")
    #expect(status == 64)
    #expect(output.contains("--listen 9750: write an address and a port"))
  }

  @Test func `the simulated cluster exits if one of its exporters cannot listen`() async throws {
    let taken = try ScriptedServer(on: .tcp(host: "127.100.100.100"), script: { _ in })
    let (status, output) = try await run(
      "simulate", "--nodes", "1", "--pods-per-node", "1", "--api-port", "0", "--exporter-port", "\(taken.port)",
      "--kubeconfig", "\(folder.path)/kubeconfig")
    #expect(status == 1)
    #expect(output.contains("in use"))
  }

  @Test func `without network namespaces the Linux pods of the demo are host-network pods`() throws {
    let standard = DemoCluster.standard(startedAt: "2026-01-01T00:00:00Z")
    #expect(standard.pods.allSatisfy { $0.object["spec"]?["hostNetwork"] == nil })
    let unready = standard.pods.filter { $0.object["status"]?["conditions"]?[0]?["status"] != "True" }
    #expect(Set(unready.map(\.name)) == ["import-1", "mailer-0"])
    let shared = standard.withLinuxPodsInHostNetwork()
    #expect(shared.pods.count == standard.pods.count)
    for (pod, before) in zip(shared.pods, standard.pods) {
      #expect((pod.object["spec"]?["hostNetwork"] == true) == ["linux-1", "linux-2"].contains(pod.node.name))
      #expect(pod.object["status"]?["podIP"]?.string == (pod.hostNetwork ? pod.node.address : before.address))
    }
  }
}
