import HTTPTransport
import JSON
import Roll
import Simulator
import TestSupport
import Testing

@testable import Controller

/// A complete controller against the simulated API server, with scripted collectors.
@Suite struct RollcallControllerTests {
  @Test func `cluster changes flow from the API server to targets and gaps and back`() async throws {
    let collector = ScriptedCollector()
    try await withSimulator { server in
      try server.put(nodeObject("a", address: "10.0.0.1"))
      try server.put(podObject("web", on: "a"))
      try await RunningController.run(kubeconfig: server.kubeconfig(), leaderElection: "on", collectors: NodeCollectors { _ in collector })
      { running in
        try await eventually("ready") { try await running.request("/readyz").status == 200 }
        try await eventually("the container is collected") {
          try await running.json("/api/v1/coverage")["total"]?["collected"] == 1
        }
        try await eventually("an EndpointSlice has the node") {
          try server.list("endpointslices.discovery.k8s.io", namespace: "rollcall").contains { $0["endpoints"]?[0]?["nodeName"] == "a" }
        }
        #expect(try await running.json("/sd/v1/targets")[0]?["targets"]?[0] == "10.0.0.1:9753")

        collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
        try await eventually("there is a gap") { try await running.gaps()?.first?["reason"] == "AgentUnreachable" }
        try await eventually("it was logged") { running.log.count("gap opened") == 1 }
        let hasEvent: (String, String) -> Bool = { kind, reason in
          (try? server.list("events"))?.contains { $0["involvedObject"]?["kind"]?.string == kind && $0["reason"]?.string == reason }
            ?? false
        }
        try await eventually("Events are recorded") { hasEvent("Pod", "NotCollected") && hasEvent("Node", "NotCollected") }

        try server.put(nodeObject("b", address: "10.0.0.2", os: "windows"))
        try await eventually("the new node is a target") { try await running.json("/sd/v1/targets?source=windows").array?.count == 1 }

        collector.answer(.collected(age: .zero))
        try await eventually("the gap is closed") { try await running.gaps() == [] }
        try await eventually("the end was logged") { running.log.count("gap closed") == 1 }
        try await eventually("Events about the end are recorded") {
          hasEvent("Pod", "CollectedAgain") && hasEvent("Node", "CollectedAgain")
        }
        let event = try #require(try server.list("events").first { $0["involvedObject"]?["kind"] == "Pod" })
        #expect(event["involvedObject"]?["uid"] == server.get("pods", namespace: "default", name: "web")?["metadata"]?["uid"])

        try server.remove("pods", namespace: "default", name: "web")
        try await eventually("nothing is expected any more") { try await running.json("/api/v1/coverage")["total"]?["expected"] == 0 }
      }
    }
  }

  @Test(arguments: [false, true])
  func `R74: exemptions follow DaemonSets, Namespaces and RuntimeClasses, and do without permission to read them`(isForbidden: Bool)
    async throws
  {
    let collector = ScriptedCollector()
    try await withSimulator { server in
      if isForbidden {
        for resource in ["daemonsets.apps", "namespaces", "runtimeclasses.node.k8s.io"] {
          server.rejectNext(Rejection(status: 403, reason: "Forbidden", count: .max, resource: resource))
        }
      }
      for (name, pool) in [("a", "x"), ("b", "y")] {
        try server.put(nodeObject(name, address: "10.0.0.\(pool == "x" ? 1 : 2)", labels: ["pool": .string(pool)]))
      }
      try server.put(nodeObject("fargate", address: "10.0.0.3", labels: ["eks.amazonaws.com/compute-type": "fargate"]))
      for node in ["a", "b", "fargate"] { try server.put(podObject("web-\(node)", on: node)) }
      var sandboxed = podObject("sandboxed", on: "a")
      sandboxed["spec"]?["runtimeClassName"] = "strict"
      try server.put(sandboxed)
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: NodeCollectors { _ in collector }) { running in
        func exempt() async throws -> [String: Int64] {
          let counts = try await running.json("/api/v1/coverage")["total"]?["exempt"]?.object ?? [:]
          return counts.compactMapValues(\.integer).filter { $0.value > 0 }
        }
        try await eventually("ready") { try await running.request("/readyz").status == 200 }
        try await eventually("the shipped rule applies") { try await exempt() == ["NoAgentExpected": 1] }
        try server.put([
          "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": ["namespace": "rollcall", "name": "rollcall-agent"],
          "spec": ["template": ["spec": ["nodeSelector": ["pool": "x"]]]],
        ])
        try server.put(["apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": ["name": "strict"], "handler": "runsc"])
        if isForbidden {
          try await eventually("the refusals are logged") { running.log.count("watch not in sync") >= 3 }
          #expect(try await exempt() == ["NoAgentExpected": 1])
          #expect(try await running.request("/readyz").status == 200)
          let page = String(decoding: try await running.request("/").body, as: UTF8.self)
          #expect(page.contains("runtimeclasses") && page.contains("Forbidden"))
        } else {
          try await eventually("the DaemonSet leaves a node out, and a runtime is a sandbox") {
            try await exempt() == ["NoAgentExpected": 2, "SandboxedRuntime": 1]
          }
          try server.put([
            "apiVersion": "v1", "kind": "Namespace", "metadata": ["name": "default", "annotations": ["rollcall.dev/ignore": "true"]],
          ])
          try await eventually("the namespace is ignored") { try await exempt() == ["Ignored": 4] }
        }
      }
    }
  }

  @Test func `gaps survive an API server outage`() async throws {
    let collector = ScriptedCollector()
    collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
    let outage = Gate()
    try await withThrowingTaskGroup(of: Void.self) { group in
      let (kubeconfigs, kubeconfig) = AsyncStream.makeStream(of: String.self)
      group.addTask {
        try await withSimulator { server in
          try server.put(nodeObject("a", address: "10.0.0.1"))
          try server.put(podObject("web", on: "a"))
          kubeconfig.yield(server.kubeconfig())
          try await eventually("the outage begins") { outage.isOpen }
        }
      }
      let text = try #require(await kubeconfigs.first { _ in true })
      try await RunningController.run(kubeconfig: text, leaderElection: "on", collectors: NodeCollectors { _ in collector }) { running in
        try await eventually("there is a gap") { try await running.gaps()?.count == 1 }
        outage.open()
        try await eventually("the lease cannot be renewed") { !running.controller.core.leadership.isLeader }
        let calls = collector.calls.count
        try await eventually("rolls are called as before") { collector.calls.count > calls + 5 }
        #expect(try await running.gaps()?.count == 1)
        #expect(running.log.count("gap opened") == 1)
        #expect(running.log.count("gap closed") == 0)
      }
    }
  }

  @Test func `R64: an open gap survives a restart`() async throws {
    let collector = ScriptedCollector()
    collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
    let collectors = NodeCollectors { _ in collector }
    // The archive is written at most every 15 seconds.
    let time = FastTime()
    let flags = ["interval": ["1s"], "threshold": ["10s"]]
    try await withSimulator { server in
      try server.put(nodeObject("a", address: "10.0.0.1"))
      try server.put(podObject("web", on: "a"))
      var since: JSONValue?
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: collectors, flags: flags, time: time) { running in
        try await eventually("there is a gap") { try await running.gaps()?.isEmpty == false }
        since = try await running.gaps()?.first?["since"]
        try await eventually("the open gap is archived") { server.archivesOpenGap }
      }
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: collectors, flags: flags, time: time) { running in
        try await eventually("the gaps are restored") { running.log.count("restored open gaps") == 1 }
        let gaps = try #require(try await running.gaps())
        #expect(gaps.count == 1)
        #expect(gaps.first?["since"] == since)
        try await eventually("it was called again") { collector.calls.count > 50 }
        #expect(running.log.count("gap opened") == 0)

        collector.answer(.collected(age: .zero))
        try await eventually("the gap closes") { running.log.count("gap closed") == 1 }
        try await eventually("the archive is empty") {
          server.get("configmaps", namespace: "rollcall", name: "rollcall-gaps")?["data"]?["gaps.json"]?.string?.contains("\"gaps\":[]")
            == true
        }
      }
    }
  }

  @Test func `R79: a killed replica leads again at once and continues the Events of its predecessor`() async throws {
    let collector = ScriptedCollector()
    collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
    let collectors = NodeCollectors { _ in collector }
    let leases = "leases.coordination.k8s.io"
    // The archive is written at most every 15 seconds.
    let time = FastTime()
    try await withSimulator { server in
      try server.put(nodeObject("a", address: "10.0.0.1"))
      try server.put(podObject("web", on: "a"))
      func nodeEvents(_ reason: String) throws -> Int {
        try server.list("events").count { $0["involvedObject"]?["kind"] == "Node" && $0["reason"]?.string == reason }
      }
      func whileRunning(_ body: (RunningController) async throws -> Void) async throws {
        try await RunningController.run(
          kubeconfig: server.kubeconfig(), leaderElection: "on", collectors: collectors,
          flags: ["interval": ["1s"], "threshold": ["10s"]], environment: ["POD_NAME": "rollcall-0"], time: time, body)
      }
      var lease: JSONValue?
      try await whileRunning { running in
        try await eventually("the missing node is reported") { try nodeEvents("NotCollected") == 1 }
        try await eventually("the open gap is archived") { server.archivesOpenGap }
        lease = server.get(leases, namespace: "rollcall", name: "rollcall-controller")
      }
      // A killed controller does not release its Lease.
      try server.put(try #require(lease))
      let reads = server.requestCount(.get, leases)
      try await whileRunning { running in
        try await eventually("it leads") { running.controller.core.leadership.isLeader }
        #expect(server.requestCount(.get, leases) == reads + 1, "the Lease was acquired by the first attempt")
        try await eventually("the gaps are restored") { running.log.count("restored open gaps") == 1 }
        collector.answer(.collected(age: .zero))
        try await eventually("the recovery is reported") { try nodeEvents("CollectedAgain") == 1 }
        #expect(try nodeEvents("NotCollected") == 1)
      }
    }
  }

  @Test func `R79: a replica that lost the Lease serves the gauges of one that never led`() async throws {
    let collector = ScriptedCollector()
    collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
    let collectors = NodeCollectors { _ in collector }
    try await withSimulator { server in
      try server.put(nodeObject("a", address: "10.0.0.1"))
      try server.put(nodeObject("b", address: "10.0.0.1"))
      try server.put(podObject("web", on: "a"))
      try await RunningController.run(kubeconfig: server.kubeconfig(), leaderElection: "on", collectors: collectors) { first in
        try await eventually("it knows what a leader knows") {
          let gauges = try await first.gauges()
          return ["rollcall_refused_targets{source=\"linux\"} 1", "rollcall_archived_gaps 1"].allSatisfy { gauges.contains($0) }
        }
        var lease = try #require(server.get("leases.coordination.k8s.io", namespace: "rollcall", name: "rollcall-controller"))
        lease["spec"]?["holderIdentity"] = "somebody"
        lease["spec"]?["leaseDurationSeconds"] = 3600
        try server.put(lease)
        try await eventually("it has noticed") { first.controller.core.leadership.isOtherLeading }
        try await RunningController.run(kubeconfig: server.kubeconfig(), leaderElection: "on", collectors: collectors) { second in
          try await eventually("both serve the same") { try await first.gauges() == second.gauges() }
        }
      }
    }
  }

  @Test func `R84: a deleted archive of open gaps is written again`() async throws {
    let collector = ScriptedCollector()
    collector.answer(.missed(.agentUnreachable, detail: "connection refused"))
    try await withSimulator { server in
      try server.put(nodeObject("a", address: "10.0.0.1"))
      try server.put(podObject("web", on: "a"))
      try await RunningController.run(kubeconfig: server.kubeconfig(), collectors: NodeCollectors { _ in collector }) { running in
        let archive = { server.get("configmaps", namespace: "rollcall", name: "rollcall-gaps")?["data"] }
        try await eventually("the gap is archived") { archive() != nil }
        try server.remove("configmaps", namespace: "rollcall", name: "rollcall-gaps")
        try await eventually("the archive is back") { archive() != nil }
        #expect(try await running.gaps()?.count == 1)
      }
    }
  }

  @Test func `the controller waits for an API server that is unavailable`() async throws {
    let address = OwnAddress()
    let kubeconfig = """
      apiVersion: v1
      kind: Config
      current-context: c
      contexts: [{name: c, context: {cluster: k, user: u}}]
      clusters: [{name: k, cluster: {server: "http://\(address)"}}]
      users: [{name: u, user: {}}]
      """
    try await RunningController.run(kubeconfig: kubeconfig, collectors: NodeCollectors { _ in ScriptedCollector() }) { running in
      try await eventually("/readyz names the missing lists") {
        let answer = try await running.request("/readyz")
        let text = String(decoding: answer.body, as: UTF8.self)
        return answer.status == 503 && text.contains("[-] nodes: not listed yet") && text.contains("\(address)")
      }
      #expect(try await running.request("/livez").status == 200)
      #expect(try await running.request("/sd/v1/targets").status == 503)
      #expect(running.log.all.contains { $0.contains("warning") && $0.contains("\(address)") })
      try await withSimulator(at: address) { server in
        try server.put(nodeObject("a", address: "10.0.0.1"))
        try await eventually("the controller becomes ready") { try await running.request("/readyz").status == 200 }
        #expect(try await running.request("/sd/v1/targets").status == 200)
      }
      // R36: the API server is down again, the targets remain.
      #expect(try await running.json("/sd/v1/targets?source=linux").array?.count == 1)
      #expect(try await running.request("/readyz").status == 200)
    }
  }

  @Test(arguments: ["clusters: [", "{}", ""]) func `an invalid kubeconfig is rejected immediately`(text: String) async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(text, to: "kubeconfig")
    let settings = try SettingsSources(flags: ["kubeconfig": [path]]).settings()
    let error = #expect(throws: ControllerError.self) {
      try RollcallController(settings: settings, environment: [:], version: "test", logger: RecordedLog().logger)
    }
    #expect(error?.isConfiguration == true)
    #expect(String(describing: error).contains(path))
  }

  @Test func `a listen address already in use is reported`() async throws {
    let taken = try ScriptedServer { _ in }
    try await withSimulator { server in
      let error = await #expect(throws: ControllerError.self) {
        try await RunningController.run(kubeconfig: server.kubeconfig(), flags: ["listen": ["127.0.0.1:\(taken.port)"]]) { _ in }
      }
      #expect(String(describing: error).contains("cannot listen on 127.0.0.1:\(taken.port)"))
    }
  }

  /// Uses the real collector of Windows nodes.
  @Test func `a Windows Node is collected through its exporter`() async throws {
    let exporter = try ScriptedServer { connection in
      while try connection.readRequest() != nil {
        let id = "containerd://aaaa"
        try connection.respond(
          status: 200, headers: [("Content-Type", "text/plain; version=0.0.4")],
          body: """
            # TYPE windows_container_available gauge
            windows_container_available{container_id="\(id)"} 1
            # TYPE windows_exporter_collector_success gauge
            windows_exporter_collector_success{collector="container"} 1

            """)
      }
    }
    try await withSimulator { server in
      try server.put(nodeObject("w", address: "127.0.0.1", os: "windows"))
      try server.put(podObject("iis", on: "w"))
      try server.put(podObject("lost", on: "w", id: "containerd://bbbb", ip: "10.1.0.2"))
      try await RunningController.run(kubeconfig: server.kubeconfig(), flags: ["windows-port": ["\(exporter.port)"]]) { running in
        try await eventually("one is collected, the other a gap") {
          let total = try await running.json("/api/v1/coverage")["total"]
          return total?["collected"] == 1 && total?["gaps"] == 1
        }
        #expect(try await running.gaps()?.first?["pod"] == "lost")
        #expect(try await running.gaps()?.first?["reason"] == "NotInResponse")
      }
    }
  }
}

extension SimulatedAPIServer {
  /// Whether there is an archive of gaps and each of them is open.
  fileprivate var archivesOpenGap: Bool {
    let archive = get("configmaps", namespace: "rollcall", name: "rollcall-gaps")?["data"]?["gaps.json"]?.string ?? ""
    return archive.contains("\"since\"") && !archive.contains("\"open\":false")
  }
}
