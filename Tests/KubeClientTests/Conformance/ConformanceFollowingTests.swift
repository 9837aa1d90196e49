import JSON
import Logging
import TestSupport
import Testing

@testable import KubeClient

/// What goes on for longer: stores, elections and the two formats of one object, against any API server.
@Suite(.timeLimit(.minutes(5))) struct ConformanceFollowingTests {
  @Test("R13: a store equals a fresh list, by initial events or in pages", arguments: APIServerUnderTest.all, [true, false])
  func following(_ server: APIServerUnderTest, usingInitialEvents: Bool) async throws {
    try await withBench(server) { bench in
      for index in 0..<7 { try await bench.client.create(bench.configMap("object-\(index)", "old")) }
      var policy = WatchPolicy()
      policy.pageSize = 3
      policy.usesInitialEvents = usingInitialEvents
      let reflector = Reflector(
        client: bench.client, resource: .configMaps, selection: bench.selection, decoder: ValueRecord.decoder, policy: policy,
        logger: bench.client.logger)
      func settled(_ what: String) async throws {
        try await eventually(what) {
          let fresh = try await bench.page(.configMaps, ValueRecord.decoder, bench.selection).records
          let stored = reflector.store.snapshot()
          return stored.count == fresh.count && fresh.allSatisfy { stored[$0.key] == $0 }
        }
      }
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await reflector.run() }
        try await eventually("it is in sync") { reflector.store.isSynced }
        try await settled("the first list is the server's")
        try await bench.client.create(bench.configMap("added", "new"))
        try await bench.client.replace(bench.configMap("object-3", "new"))
        try await bench.delete(.configMaps, "object-4")
        try await settled("changes are followed")
        #expect(reflector.statistics.lists == 1 && reflector.statistics.failures == 0)
        // A real server on an older etcd refuses initial events (R15); the simulator has them (R14).
        #expect(bench.isReal || reflector.statistics.initialEvents == (usingInitialEvents ? 1 : 0))
        group.cancelAll()
      }
    }
  }

  @Test("R30, R32: of two electors one leads; when its work is done the other does", arguments: APIServerUnderTest.all)
  func election(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      var timing = LeaseTiming()
      timing.retry = .milliseconds(100)
      let lease = ObjectKey(namespace: bench.namespace, name: "writer")
      let electors = ["a", "b"].map {
        LeaderElector(client: bench.client, lease: lease, identity: $0, timing: timing, logger: bench.client.logger)
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
        try await eventually("one leads and both know") {
          electors.filter(\.isLeader).count == 1 && Set(electors.map(\.holder)).count == 1 && electors[0].holder != nil
        }
        let first = electors.first(where: \.isLeader)?.identity
        let held = try await bench.client.get(.leases, name: lease.name, namespace: lease.namespace)
        #expect(held["spec"]?["holderIdentity"]?.string == first)
        isDone.open()
        var order: [String] = []
        for try await identity in group { order.append(identity) }
        #expect(order.first == first)
        return order
      }
      #expect(leaders.sorted() == ["a", "b"])
      let released = try await bench.client.get(.leases, name: lease.name, namespace: lease.namespace)
      #expect((released["spec"]?["holderIdentity"]?.string ?? "") == "")
      #expect(released["spec"]?["leaseTransitions"]?.integer ?? 0 >= 1)
    }
  }

  @Test("Events are written, counted as a series, watched, and checked", arguments: APIServerUnderTest.all)
  func events(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let list = try await bench.client.list(.events, bench.selection)
      var policy = EventPolicy()
      policy.pollInterval = .milliseconds(10)
      let recorder = EventRecorder(
        client: bench.client, controller: "rollcall.dev/conformance", instance: "test", policy: policy, logger: bench.client.logger)
      let event = ClusterEvent(
        about: .pod("web-0", namespace: bench.namespace, uid: "1"), type: .warning, reason: "Tested", action: "Testing",
        note: String(repeating: "ü", count: 600))
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { await recorder.run() }
        recorder.record(event)
        try await eventually("it is written") { recorder.statistics.written == 1 }
        recorder.record(event)
        try await eventually("its series is written") { recorder.statistics.written == 2 }
        group.cancelAll()
      }
      #expect(recorder.statistics.refused == 0)
      let written = try #require(try await bench.client.list(.events, bench.selection).items.first)
      #expect(written["series"]?["count"] == 2 && written["regarding"]?["name"] == "web-0" && written["reason"] == "Tested")

      let decoder = RecordDecoder<ValueRecord>(kind: "Event") { object in
        ValueRecord(
          key: ObjectKey(namespace: object["metadata"]?["namespace"]?.string ?? "", name: object["metadata"]?["name"]?.string ?? ""),
          resourceVersion: "", value: object["series"]?["count"]?.integer.map { "\($0)" } ?? "")
      }
      var stream = try await bench.watch(.events, decoder, bench.selection, from: list.resourceVersion)
      let key = ObjectKey(namespace: bench.namespace, name: written["metadata"]?["name"]?.string ?? "")
      #expect(
        try await stream.changes(2) == [
          .put(ValueRecord(key: key, resourceVersion: "", value: "")), .put(ValueRecord(key: key, resourceVersion: "", value: "2")),
        ])

      for member in ["eventTime", "action", "reportingController", "reportingInstance", "reason", "type"] {
        var lacking = EventWrite(key: key, event: event, time: .now).object(controller: "rollcall.dev/conformance", instance: "test")
        lacking["metadata"]?["name"] = "lacking"
        lacking[member] = nil
        do throws(KubeError) {
          try await bench.client.create(lacking, in: .events)
          Issue.record("an Event without \(member) was taken")
        } catch {
          #expect(error.status?.code == 422 && error.status?.reason == "Invalid")
        }
      }
    }
  }

  @Test("Nodes read by protobuf are those read by JSON, in a list and in a watch", arguments: APIServerUnderTest.all)
  func nodes(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let selection = Selection(fields: "metadata.name=\(bench.clusterWideName)")
      let version = try await bench.client.list(.nodes, selection).resourceVersion
      try await bench.client.create([
        "apiVersion": "v1", "kind": "Node",
        "metadata": [
          "name": .string(bench.clusterWideName), "labels": ["kubernetes.io/os": "linux"],
          "annotations": ["rollcall.dev/ignore": "true", "other": "ü, \"quoted\"\n"],
        ],
        "spec": ["unschedulable": true],
        "status": [
          // A controller may call this address: it must be nobody else's.
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
      let records = try await readTwice(bench, .nodes, decoder, selection, from: version)
      let record = try #require(records.first { $0.name == bench.clusterWideName })
      #expect(record.annotations == ["rollcall.dev/ignore": "true"] && record.operatingSystem == "linux" && record.kubeletPort == 10250)
      #expect(record.addresses.first == NodeAddress(type: "InternalIP", address: "127.0.0.77"))
      #expect(record.ready == true && record.labels["kubernetes.io/os"] == "linux")
    }
  }

  @Test("Pods read by protobuf are those read by JSON, in a list and in a watch", arguments: APIServerUnderTest.all)
  func pods(_ server: APIServerUnderTest) async throws {
    try await withBench(server) { bench in
      let version = try await bench.client.list(.pods, bench.selection).resourceVersion
      // No scheduler has this name, so that the Pod goes to no Node and nothing runs.
      let pod: JSONValue = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": [
          "namespace": .string(bench.namespace), "name": "web-0", "annotations": ["rollcall.dev/ignore": "true", "other": "x"],
        ],
        "spec": [
          "schedulerName": "nobody", "hostNetwork": false, "automountServiceAccountToken": false, "terminationGracePeriodSeconds": 0,
          "initContainers": [["name": "setup", "image": "example.invalid/image"]],
          "containers": [["name": "app", "image": "example.invalid/image"], ["name": "sidecar", "image": "example.invalid/image"]],
        ],
      ]
      try await eventually("the namespace's service account is there") {
        do throws(KubeError) {
          try await bench.client.create(pod)
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
            container("setup", id: "containerd://aaa", ["terminated": ["exitCode": 0, "containerID": "containerd://aaa"]])
          ],
          "containerStatuses": [
            container("app", id: "containerd://bbb", ["running": ["startedAt": "2026-03-01T12:00:00Z"]]),
            container("sidecar", id: "", ["waiting": ["reason": "CrashLoopBackOff"]]),
          ],
        ]
      ]
      let key = ObjectKey(namespace: bench.namespace, name: "web-0")
      _ = try await bench.client.send(
        APIRequest(
          method: "PATCH", path: "\(APIResource.pods.path(key))/status", body: status.bytes, contentType: "application/merge-patch+json"))
      let decoder = RecordDecoder<PodRecord>.pods(annotationPrefixes: ["rollcall.dev/"])
      let records = try await readTwice(bench, .pods, decoder, bench.selection, from: version)
      let record = try #require(records.first { $0.name == "web-0" && $0.phase == "Running" })
      #expect(record.podIPs == ["127.0.0.78"] && record.nodeName == nil && !record.hostNetwork && !record.isBeingDeleted)
      #expect(record.annotations == ["rollcall.dev/ignore": "true"])
      #expect(
        record.containers == [
          ContainerRecord(name: "setup", kind: .initialization, containerID: "containerd://aaa", state: .terminated),
          ContainerRecord(name: "app", containerID: "containerd://bbb", state: .running(startedAtUnixMilliseconds: 1_772_366_400_000)),
          ContainerRecord(name: "sidecar", state: .waiting(reason: "CrashLoopBackOff")),
        ])
    }
  }

  private func container(_ name: JSONValue, id: JSONValue, _ state: JSONValue) -> JSONValue {
    ["name": name, "containerID": id, "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state]
  }

  /// Reads the resource in both formats, by list and by watch, compares, and gives the list's records.
  private func readTwice<Value: Record>(
    _ bench: Bench, _ resource: APIResource, _ decoder: RecordDecoder<Value>, _ selection: Selection, from version: String
  ) async throws -> [Value] {
    let json = try await bench.page(resource, decoder, selection, accept: MediaType.json)
    let protobuf = try await bench.page(resource, decoder, selection, accept: MediaType.protobuf)
    #expect(json.records == protobuf.records)
    #expect(!json.records.isEmpty)
    var changes: [[RecordChange<Value>]] = []
    for accept in [MediaType.json, MediaType.protobuf] {
      var stream = try await bench.watch(resource, decoder, selection, from: version, accept: accept)
      changes.append(try await stream.changes(json.records.count))
    }
    let count = changes.map(\.count).min() ?? 0
    #expect(Array(changes[0].prefix(count)) == Array(changes[1].prefix(count)))
    return protobuf.records
  }
}
