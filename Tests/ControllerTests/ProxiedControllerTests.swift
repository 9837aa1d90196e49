import HTTPTransport
import JSON
import Logging
import Simulator
import TestSupport
import Testing

@testable import Controller

/// A complete controller that can reach its API server only through real proxies.
@Suite(.timeLimit(.minutes(2))) struct ProxiedControllerTests {
  @Test(arguments: ["http", "socks5"])
  func `the controller works through a kubeconfig proxy-url and logs it without credentials`(_ scheme: String) async throws {
    let folder = try TemporaryFolder()
    let address = OwnAddress()
    let proxy: ExternalProgram
    if scheme == "http" {
      let configuration = try folder.write(
        "Port \(address.port)\nListen \(address.host)\nAllow 127.0.0.1\nTimeout 600\nMaxClients 50\nLogLevel Info\nBasicAuth me s3cret\n",
        to: "tinyproxy.conf")
      proxy = try ExternalProgram("tinyproxy", ["-d", "-c", configuration], log: folder.path + "/proxy.log")
    } else {
      proxy = try ExternalProgram(
        "microsocks", ["-i", address.host, "-p", "\(address.port)", "-u", "me", "-P", "s3cret"], log: folder.path + "/proxy.log")
    }
    defer { proxy.kill() }
    try await proxy.waitForPort(address)
    try await withSimulator { server in
      try server.put(nodeObject("w1", address: "127.0.0.21"))
      let kubeconfig = """
        {"clusters": [{"name": "c", "cluster": {"server": "\(server.url)", "proxy-url": "\(scheme)://me:s3cret@\(address)"}}],
         "users": [{"name": "u", "user": {}}], "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}], "current-context": "x"}
        """
      try await RunningController.run(kubeconfig: kubeconfig, leaderElection: "on") { running in
        try await eventually("it is ready") { try await running.request("/readyz").status == 200 }
        try server.put(nodeObject("w2", address: "127.0.0.22"))
        try await eventually("the watch receives changes") { try await running.targets() == ["127.0.0.21", "127.0.0.22"] }
        try await eventually("an EndpointSlice is written") { server.writeCount("endpointslices.discovery.k8s.io") > 0 }
        let lines = running.log.all
        #expect(lines.contains { $0.contains("starting") && $0.contains("proxy=\(scheme)://\(address)") })
        #expect(!lines.contains { $0.contains("s3cret") }, "R26")

        proxy.kill()
        server.dropWatches()
        try await eventually("the failure names the proxy") {
          running.log.all.contains { $0.contains("watch not in sync") && $0.contains("\(scheme)") && $0.contains("\(address)") }
        }
        #expect(try await running.request("/sd/v1/targets").status == 200, "R36: targets stay")
      }
    }
  }
}

extension RunningController {
  /// Addresses of targets without ports.
  fileprivate func targets() async throws -> Set<String> {
    let groups = try await json("/sd/v1/targets?source=linux").array ?? []
    return Set(groups.flatMap { $0["targets"]?.array ?? [] }.compactMap { $0.string?.split(separator: ":").first.map(String.init) })
  }
}

extension ExternalProgram {
  /// Neither proxy stops on SIGTERM while it has connections.
  fileprivate func kill() {
    send(signal: 9)
    stop()
  }
}
