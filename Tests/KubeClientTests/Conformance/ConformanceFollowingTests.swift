import JSON
import Logging
import Primitives
import TestSupport
import Testing

@testable import KubeClient

/// Stores, elections, Events and both formats of objects, against any API server.
@Suite(.timeLimit(.minutes(5))) struct ConformanceFollowingTests {
  @Test(arguments: APIServerUnderTest.all, [true, false])
  func `R13: a store equals a new list, with initial events or pages`(_ server: APIServerUnderTest, usingInitialEvents: Bool) async throws {
    try await withFixture(server) { fixture in
      for index in 0..<7 { try await fixture.client.create(fixture.configMap("object-\(index)", "old")) }
      var policy = WatchPolicy()
      policy.pageSize = 3
      policy.usesInitialEvents = usingInitialEvents
      let reflector = Reflector(
        client: fixture.client, resource: .configMaps, selection: fixture.selection, decoder: ValueRecord.decoder, policy: policy,
        logger: fixture.client.logger)
      func settled(_ what: String) async throws {
        try await eventually(what) {
          let fresh = try await fixture.page(.configMaps, ValueRecord.decoder, fixture.selection).records
          let stored = reflector.store.snapshot()
          return stored.count == fresh.count && fresh.allSatisfy { stored[$0.key] == $0 }
        }
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await reflector.run() }
        try await eventually("the store is synced") { reflector.store.isSynced }
        try await settled("the store equals the server")
        try await fixture.client.create(fixture.configMap("added", "new"))
        try await fixture.client.replace(fixture.configMap("object-3", "new"))
        try await fixture.delete(.configMaps, "object-4")
        try await settled("changes are stored")
        #expect(reflector.statistics.lists == 1 && reflector.statistics.failures == 0)
        // A real server with an older etcd refuses initial events (R15); the simulator supports them (R14).
        #expect(fixture.isReal || reflector.statistics.initialEvents == (usingInitialEvents ? 1 : 0))
        group.cancelAll()
      }
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `R30, R32: one of two electors leads, and the other after its work is done`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      var timing = LeaseTiming()
      timing.retry = .milliseconds(100)
      let lease = ObjectKey(namespace: fixture.namespace, name: "writer")
      let electors = ["a", "b"].map {
        LeaderElector(client: fixture.client, lease: lease, identity: $0, timing: timing, logger: fixture.client.logger)
      }
      let isDone = Gate()
      let leaders = try await withThrowingTaskGroup(of: String.self) { group in
        for elector in electors {
          group.addTask {
            try await elector.run {
              #expect(elector.isLeader)
              try await eventually("the first may end") { isDone.isOpen }
            }
            return elector.identity
          }
        }
        try await eventually("one leads, and both know it") {
          electors.filter(\.isLeader).count == 1 && Set(electors.map(\.holder)).count == 1 && electors[0].holder != nil
        }
        let first = electors.first(where: \.isLeader)?.identity
        let held = try await fixture.client.get(.leases, name: lease.name, namespace: lease.namespace)
        #expect(held["spec"]?["holderIdentity"]?.string == first)
        isDone.open()
        var order: [String] = []
        for try await identity in group { order.append(identity) }
        #expect(order.first == first)
        return order
      }
      #expect(leaders.sorted() == ["a", "b"])
      let released = try await fixture.client.get(.leases, name: lease.name, namespace: lease.namespace)
      #expect((released["spec"]?["holderIdentity"]?.string ?? "") == "")
      #expect(released["spec"]?["leaseTransitions"]?.integer ?? 0 >= 1)
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `Events are written, counted as a series, watched and validated`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let list = try await fixture.client.list(.events, fixture.selection)
      var policy = EventPolicy()
      policy.pollInterval = .milliseconds(10)
      let recorder = EventRecorder(
        client: fixture.client, controller: "rollcall.dev/conformance", instance: "test", policy: policy, logger: fixture.client.logger)
      let event = ClusterEvent(
        about: .pod("web-0", namespace: fixture.namespace, uid: "1"), type: .warning, reason: "Tested", action: "Testing",
        note: String(repeating: "ü", count: 600))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await recorder.run() }
        recorder.record(event)
        try await eventually("the event is written") { recorder.statistics.written == 1 }
        recorder.record(event)
        try await eventually("the series is written") { recorder.statistics.written == 2 }
        group.cancelAll()
      }
      #expect(recorder.statistics.refused == 0)
      let written = try #require(try await fixture.client.list(.events, fixture.selection).items.first)
      #expect(written["series"]?["count"] == 2 && written["regarding"]?["name"] == "web-0" && written["reason"] == "Tested")

      let decoder = RecordDecoder<ValueRecord>(kind: "Event") { object in
        ValueRecord(
          key: ObjectKey(namespace: object["metadata"]?["namespace"]?.string ?? "", name: object["metadata"]?["name"]?.string ?? ""),
          resourceVersion: "", value: object["series"]?["count"]?.integer.map { "\($0)" } ?? "")
      }
      var stream = try await fixture.watch(.events, decoder, fixture.selection, from: list.resourceVersion)
      let key = ObjectKey(namespace: fixture.namespace, name: written["metadata"]?["name"]?.string ?? "")
      #expect(
        try await stream.changes(2) == [
          .put(ValueRecord(key: key, resourceVersion: "", value: "")), .put(ValueRecord(key: key, resourceVersion: "", value: "2")),
        ])

      for member in ["eventTime", "action", "reportingController", "reportingInstance", "reason", "type"] {
        var lacking = EventWrite(key: key, event: event, time: .now).object(controller: "rollcall.dev/conformance", instance: "test")
        lacking["metadata"]?["name"] = "lacking"
        lacking[member] = nil
        do throws(KubeError) {
          try await fixture.client.create(lacking, in: .events)
          Issue.record("an Event without \(member) was accepted")
        } catch {
          #expect(error.status?.code == 422 && error.status?.reason == "Invalid")
        }
      }
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `Nodes in protobuf equal Nodes in JSON, in a list and in a watch`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let selection = Selection(fields: "metadata.name=\(fixture.clusterWideName)")
      let version = try await fixture.client.list(.nodes, selection).resourceVersion
      try await fixture.client.create([
        "apiVersion": "v1", "kind": "Node",
        "metadata": [
          "name": .string(fixture.clusterWideName), "labels": ["kubernetes.io/os": "linux"],
          "annotations": ["rollcall.dev/ignore": "true", "other": "ü, \"quoted\"\n"],
        ],
        "spec": ["unschedulable": true],
        "status": [
          // A controller may call this address, so it must not be in use.
          "addresses": [["type": "InternalIP", "address": "127.0.0.77"], ["type": "Hostname", "address": "conformance"]],
          "conditions": [["type": "MemoryPressure", "status": "False"], ["type": "Ready", "status": "True"]],
          "daemonEndpoints": ["kubeletEndpoint": ["Port": 10250]],
          "nodeInfo": [
            "operatingSystem": "linux", "architecture": "amd64", "bootID": "", "containerRuntimeVersion": "", "kernelVersion": "",
            "kubeProxyVersion": "", "kubeletVersion": "", "machineID": "", "osImage": "", "systemUUID": "",
          ],
        ],
      ])
      let decoder = RecordDecoder<NodeRecord>.nodes(annotationPrefixes: ["rollcall.dev/"])
      let records = try await fixture.readTwice(.nodes, decoder, selection, from: version)
      let record = try #require(records.first { $0.name == fixture.clusterWideName })
      #expect(record.annotations == ["rollcall.dev/ignore": "true"] && record.operatingSystem == "linux" && record.kubeletPort == 10250)
      #expect(record.addresses.first == NodeAddress(type: "InternalIP", address: "127.0.0.77"))
      #expect(record.ready == true && record.labels["kubernetes.io/os"] == "linux")
    }
  }

  @Test(arguments: APIServerUnderTest.all)
  func `Pods in protobuf equal Pods in JSON, in a list and in a watch`(_ server: APIServerUnderTest) async throws {
    try await withFixture(server) { fixture in
      let version = try await fixture.client.list(.pods, fixture.selection).resourceVersion
      // No scheduler has this name, so the Pod stays unscheduled.
      let pod: JSONValue = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": [
          "namespace": .string(fixture.namespace), "name": "web-0", "annotations": ["rollcall.dev/ignore": "true", "other": "x"],
        ],
        "spec": [
          "schedulerName": "nobody", "hostNetwork": false, "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0,
          "initContainers": [
            ["name": "setup", "image": "example.invalid/image"],
            ["name": "mesh", "image": "example.invalid/image", "restartPolicy": "Always"],
          ],
          "containers": [["name": "app", "image": "example.invalid/image"], ["name": "sidecar", "image": "example.invalid/image"]],
        ],
      ]
      try await eventually("the namespace has a service account") {
        do throws(KubeError) {
          try await fixture.client.create(pod)
        } catch {
          guard error.status?.code == 403 else { throw error }
          return false
        }
        return true
      }
      let status: JSONValue = [
        "status": [
          "phase": "Running", "podIP": "127.0.0.78", "podIPs": [["ip": "127.0.0.78"]],
          "initContainerStatuses": [
            container("setup", id: "containerd://aaa", ["terminated": ["exitCode": 0, "containerID": "containerd://aaa"]]),
            container("mesh", id: "containerd://ddd", ["terminated": ["exitCode": 0, "containerID": "containerd://ddd"]]),
          ],
          "containerStatuses": [
            container("app", id: "containerd://bbb", ["running": ["startedAt": "2026-03-01T12:00:00Z"]]),
            container("sidecar", id: "", ["waiting": ["reason": "CrashLoopBackOff"]], restarts: 3),
          ],
        ]
      ]
      let key = ObjectKey(namespace: fixture.namespace, name: "web-0")
      _ = try await fixture.client.send(
        APIRequest(
          method: "PATCH", path: "\(APIResource.pods.path(key))/status", body: status.bytes, contentType: "application/merge-patch+json"))
      let decoder = RecordDecoder<PodRecord>.pods(annotationPrefixes: ["rollcall.dev/"])
      let records = try await fixture.readTwice(.pods, decoder, fixture.selection, from: version)
      let record = try #require(records.first { $0.name == "web-0" && $0.phase == "Running" })
      #expect(record.podIPs == ["127.0.0.78"] && record.nodeName == nil && !record.hostNetwork && !record.isBeingDeleted)
      #expect(record.annotations == ["rollcall.dev/ignore": "true"])
      #expect(
        record.containers == [
          ContainerRecord(name: "setup", kind: .initialization, containerID: "containerd://aaa", state: .terminated),
          ContainerRecord(name: "mesh", kind: .sidecar, containerID: "containerd://ddd", state: .terminated, restarts: true),
          ContainerRecord(name: "app", containerID: "containerd://bbb", state: .running(startedAtUnixMilliseconds: 1_772_366_400_000)),
          ContainerRecord(name: "sidecar", state: .waiting(reason: "CrashLoopBackOff"), restarts: true),
        ])
    }
  }

  private func container(_ name: JSONValue, id: JSONValue, _ state: JSONValue, restarts: JSONValue = 0) -> JSONValue {
    ["name": name, "containerID": id, "image": "", "imageID": "", "ready": false, "restartCount": restarts, "state": state]
  }
}
