internal import FoundationEssentials
internal import Glibc
internal import HTTPTransport
internal import JSON
internal import Logging
internal import ServiceLifecycle
internal import Simulator

/// An outage with its start and duration.
struct Injection {
  var outage: Outage
  var after: Duration
  var lasting: Duration
}

/// The demo as a service; it stops everything that it starts.
struct Demo: Service {
  var server: SimulatedAPIServer
  /// The listen address of the controller.
  var listen: String
  var network: String
  var folder: DemoDirectory
  var injections: [Injection]
  var executables: DemoExecutables

  /// Short, so that a gap shows within a minute; the controller's defaults are 15 s, 5 min and 1 min.
  private static let timing = (interval: "2s", threshold: "10s", grace: "3s")
  private static let namespace = "rollcall"

  func run() async throws {
    let outages = Outages()
    let isolation = await NetworkIsolation.available()
    let standard = DemoCluster.standard(startedAt: Date.now.formatted(.iso8601), network: network)
    let cluster = isolation.isIsolating ? standard : standard.withLinuxPodsInHostNetwork()
    _ = try await server.waitUntilListening()
    try populate(with: cluster)
    try folder.write(server.kubeconfig(), to: "kubeconfig")
    try folder.write(DemoCluster.policyToTry, to: "policy.yaml")
    let prometheus = StandInPrometheus(
      transport: try HTTPTransport(), discovery: "http://\(listen)/sd/v1/targets", interval: .seconds(2))
    do {
      try await cancelWhenGracefulShutdown {
        try await withThrowingTaskGroup { group in
          try startNodes(of: cluster, isolation: isolation, outages: outages, in: &group)
          group.addTask { try await mountCertificates() }
          group.addTask { try await runController() }
          group.addTask { try await prometheus.run() }
          let scraper = StandInScraper(cluster: cluster)
          group.addTask { try await scraper.run() }
          announce(cluster, isolation)
          for injection in injections {
            group.addTask { try await inject(injection, into: outages) }
          }
          for try await _ in group {}  // ends at the first failure, unlike waitForAll
        }
      }
    } catch is CancellationError {
      // A graceful shutdown.
    }
  }

  // MARK: Parts

  private func populate(with cluster: DemoCluster) throws {
    try server.put(["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(Self.namespace)]])
    for node in cluster.nodes { try server.put(node.object) }
    for pod in cluster.pods { try server.put(pod.object) }
    for object in cluster.monitoringObjects + cluster.installationObjects(namespace: Self.namespace) { try server.put(object) }
  }

  private func startNodes(
    of cluster: DemoCluster, isolation: NetworkIsolation, outages: Outages,
    in group: inout ThrowingTaskGroup<Void, any Error>
  ) throws {
    let certificates = try folder.subdirectory("tls")
    for node in cluster.nodes where node.isLinux {
      let cgroups = try folder.subdirectory("cgroup-\(node.name)")
      try cgroups.write("", to: "cgroup.controllers")  // marks a cgroup v2 tree
      for pod in cluster.pods where pod.node.name == node.name && pod.hasProcesses && pod.containers.contains(where: \.isRunning) {
        let local = LocalPod(pod: pod, isolation: isolation, executable: executables.rollcall, cgroups: cgroups)
        group.addTask { try await local.run() }
      }
      let agent = LocalAgent(node: node, executable: executables.agent, cgroups: cgroups, certificates: certificates)
      group.addTask {
        try await outages.interrupting(node.name == "linux-1" ? .agentDown : nil) {
          _ = try await agent.process.run()
        }
      }
    }
    for node in cluster.nodes where node.operatingSystem == "windows" {
      let exporter = StandInServer(address: node.address, port: 9182, path: "/metrics") { secondsUp in
        cluster.windowsExporterMetrics(of: node, secondsUp: secondsUp)
      }
      group.addTask { try await outages.interrupting(.exporterDown) { try await exporter.run() } }
    }
    for pod in cluster.pods where pod.node.isVirtual {
      var endpoint = StandInServer(address: pod.address, port: 8080, path: "/metrics/cadvisor") { secondsUp in
        DemoCluster.cadvisorMetrics(of: pod, secondsUp: secondsUp)
      }
      if pod.name == "render-0" {
        endpoint.beforeResponding = { await outages.wait(for: .podSilent, active: false) }
      }
      group.addTask { [endpoint] in try await endpoint.run() }
    }
  }

  private func runController() async throws {
    let status = try await ChildProcess(
      executable: executables.rollcall,
      arguments: [
        "controller", "--kubeconfig", "\(folder.path)/kubeconfig", "--namespace", Self.namespace, "--listen", listen,
        "--interval", Self.timing.interval, "--threshold", Self.timing.threshold, "--grace", Self.timing.grace,
        "--deadline", "1500ms", "--allow-loopback-targets", "--authorization", "off", "--listen-tls", "off", "--scrape-coverage", "all",
      ]
    ).run()
    try Task.checkCancellation()
    throw DemoError(description: "the controller exited with \(status); see the lines above")
  }

  /// Mounts the Secret for the agents as a kubelet does: its items are files, which change with it.
  private func mountCertificates() async throws {
    let items = [("ca.crt", "ca.crt"), ("agent.crt", "tls.crt"), ("agent.key", "tls.key")]
    var mounted: [String: String] = [:]
    while true {
      let secret = server.get("secrets", namespace: Self.namespace, name: "rollcall-tls")
      for (item, file) in items {
        guard let encoded = secret?["data"]?[item]?.string, mounted[file] != encoded, let data = Data(base64Encoded: encoded) else {
          continue
        }
        try folder.write(String(decoding: data, as: UTF8.self), to: "tls/\(file)")
        mounted[file] = encoded
      }
      try await Task.sleep(for: .seconds(1))
    }
  }

  // MARK: Output

  private func announce(_ cluster: DemoCluster, _ isolation: NetworkIsolation) {
    let announcement = DemoAnnouncement(
      cluster: cluster, isolation: isolation, listen: listen, rollcall: executables.rollcall, folder: folder.path,
      threshold: Self.timing.threshold)
    say(announcement.text)
  }

  private func inject(_ injection: Injection, into outages: Outages) async throws {
    try await Task.sleep(for: injection.after)
    say("\n==> \(injection.outage.rawValue): \(injection.outage.announcement)\n")
    outages.set(injection.outage, active: true)
    try await Task.sleep(for: injection.lasting)
    say("\n==> \(injection.outage.rawValue) is over: the gap closes\n")
    outages.set(injection.outage, active: false)
  }
}

/// Prints without buffering, even to a file.
private func say(_ text: String) {
  print(text)
  fflush(nil)
}

struct DemoError: Error, CustomStringConvertible {
  var description: String
}

extension Logger {
  /// A logger for parts that throw their failures and whose connections are closed at the end.
  static func quiet(_ label: String) -> Logger {
    var logger = Logger(label: label)
    logger.logLevel = .critical
    return logger
  }
}
