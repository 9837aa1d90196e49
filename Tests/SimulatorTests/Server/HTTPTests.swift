import JSON
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(5))) struct HTTPTests {
  private static let configMaps = "/api/v1/namespaces/default/configmaps"

  @Test func `discovery lists every kind`() async throws {
    try await withServer { _, client in
      #expect(try await client.send("GET", "/version").json["gitVersion"]?.string?.hasPrefix("v1.") == true)
      for path in ["/healthz", "/livez", "/readyz"] { #expect(try await client.send("GET", path).bytes == Array("ok".utf8)) }
      #expect(try await client.send("GET", "/api").json["versions"] == ["v1"])
      let groups = try await client.send("GET", "/apis").json["groups"]?.array ?? []
      let versions = groups.flatMap { group in (group["versions"]?.array ?? []).compactMap { $0["groupVersion"]?.string } }
      #expect(
        versions == [
          "apiextensions.k8s.io/v1", "apps/v1", "coordination.k8s.io/v1", "discovery.k8s.io/v1", "events.k8s.io/v1",
          "monitoring.coreos.com/v1",
          "monitoring.coreos.com/v1alpha1", "networking.k8s.io/v1", "node.k8s.io/v1", "operator.victoriametrics.com/v1beta1",
          "rbac.authorization.k8s.io/v1", "rollcall.dev/v1alpha1",
        ])
      #expect(groups.allSatisfy { $0["preferredVersion"] == $0["versions"]?[0] })
      var kinds: [String] = []
      for path in ["/api/v1"] + versions.map({ "/apis/\($0)" }) {
        let resources = try await client.send("GET", path).json["resources"]?.array ?? []
        kinds += resources.filter { $0["name"]?.string?.contains("/") == false }.compactMap { $0["kind"]?.string }
      }
      #expect(kinds.sorted() == ResourceTable.all.map(\.kind).sorted())
      #expect(try await client.send("GET", "/apis/nothing.example/v1").status == 404)
    }
  }

  @Test func `a custom resource without a definition has no objects and no requests`() async throws {
    try await withServer { server, client in
      let path = "/apis/monitoring.coreos.com/v1/namespaces/default/podmonitors"
      let monitor: JSONValue = ["apiVersion": "monitoring.coreos.com/v1", "kind": "PodMonitor", "metadata": ["name": "a"], "spec": [:]]
      #expect(try await client.send("POST", path, monitor).status == 201)
      try server.removeDefinition(of: "podmonitors.monitoring.coreos.com")
      for method in ["GET", "POST"] { #expect(try await client.send(method, path, method == "GET" ? nil : monitor).status == 404) }
      #expect(try await client.send("GET", "/apis/monitoring.coreos.com/v1/namespaces/default/servicemonitors").status == 200)
      try server.restoreDefinition(of: "podmonitors.monitoring.coreos.com")
      #expect(try await client.send("GET", path).json["items"] == [])
    }
  }

  @Test func `create, get, update, patch and delete over HTTP`() async throws {
    try await withServer { server, client in
      let created = try await client.send("POST", Self.configMaps, Sample.configMap("a", data: ["x": "1"]))
      #expect(created.status == 201)
      #expect(try await client.send("POST", Self.configMaps, Sample.configMap("a")).status == 409)

      let merged = try await client.send("PATCH", Self.configMaps + "/a", ["data": ["y": "2"]], type: "application/merge-patch+json")
      #expect(merged.json["data"] == ["x": "1", "y": "2"])
      #expect(try await client.send("PUT", Self.configMaps + "/a", created.json).status == 409, "the version is an old one")

      #expect(try await client.send("GET", Self.configMaps + "/a").json == server.get("configmaps", namespace: "default", name: "a"))
      let deleted = try await client.send("DELETE", Self.configMaps + "/a", ["preconditions": ["uid": .string(created.json.uid)]])
      #expect(deleted.status == 200 && deleted.json["status"] == "Success")
      let missing = try await client.send("GET", Self.configMaps + "/a")
      #expect(missing.status == 404 && missing.json["reason"] == "NotFound" && missing.json["kind"] == "Status")
      #expect(try await client.send("GET", "/api/v1/gadgets").status == 404)
      #expect(try await client.send("POST", Self.configMaps + "/a", Sample.configMap("a")).status == 405)
      #expect(try await client.send("POST", Self.configMaps, "no object").status == 400)
      #expect(try await client.send("POST", Self.configMaps, Sample.configMap("b"), type: "text/plain").status == 415)
    }
  }

  @Test func `apply over HTTP`() async throws {
    try await withServer { server, client in
      func apply(_ object: JSONValue, _ query: String) async throws -> Answer {
        try await client.send("PATCH", Self.configMaps + "/a?" + query, object, type: "application/apply-patch+yaml")
      }
      #expect(try await apply(Sample.configMap("a"), "").status == 400, "a field manager is required")
      #expect(try await apply(Sample.configMap("a", data: ["x": "1"]), "fieldManager=one").status == 201)
      #expect(try await apply(Sample.configMap("a", data: ["x": "1"]), "fieldManager=one").status == 200)
      let conflict = try await apply(Sample.configMap("a", data: ["x": "2"]), "fieldManager=two")
      #expect(conflict.status == 409)
      #expect(conflict.json["details"]?["causes"]?[0]?["reason"] == "FieldManagerConflict")
      #expect(try await apply(Sample.configMap("a", data: ["x": "2"]), "fieldManager=two&force=true").json["data"] == ["x": "2"])
      let dry = try await apply(Sample.configMap("a", data: ["x": "3"]), "fieldManager=two&dryRun=All")
      #expect(dry.json["data"] == ["x": "3"])
      #expect(server.get("configmaps", namespace: "default", name: "a")?["data"] == ["x": "2"])
    }
  }

  @Test func `bodies can be YAML`() async throws {
    try await withServer { _, client in
      func apply(_ text: String) async throws -> Answer {
        try await client.send(
          "PATCH", Self.configMaps + "/y?fieldManager=m", bytes: Array(text.utf8), type: "application/apply-patch+yaml")
      }
      let applied = try await apply("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: y\ndata:\n  a: \"1\"\n")
      #expect(applied.status == 201 && applied.json["data"] == ["a": "1"])
      #expect(try await apply("a: [").status == 400)
    }
  }

  @Test func `lists have pages and selectors`() async throws {
    try await withServer { server, client in
      for index in 0..<5 { try server.put(Sample.pod("p-\(index)", node: index < 3 ? "n1" : "n2")) }
      let first = try await client.send("GET", "/api/v1/pods?limit=2")
      #expect(first.json["kind"] == "PodList")
      #expect(first.json["items"]?[0]?["kind"] == nil, "items of built-in kinds do not repeat their kind")
      #expect(first.json["metadata"]?["remainingItemCount"] == 3)
      let token = try #require(first.json["metadata"]?["continue"]?.string)
      let second = try await client.send("GET", "/api/v1/pods?limit=2&continue=\(token.replacing("=", with: "%3D"))")
      #expect(second.json["items"]?.array?.compactMap { $0["metadata"]?["name"]?.string } == ["p-2", "p-3"])
      let selected = try await client.send("GET", "/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName%3Dn2")
      #expect(selected.json["items"]?.array?.count == 2)
      let table = try await client.send("GET", "/api/v1/pods", accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
      #expect(table.json["rows"]?[0]?["cells"]?[0] == "p-0")
      #expect(table.json["rows"]?[0]?["object"]?["kind"] == "PartialObjectMetadata")
      server.compact()
      try server.remove("pods", namespace: "default", name: "p-0")
      server.compact()
      let expired = try await client.send("GET", "/api/v1/pods?limit=2&continue=\(token.replacing("=", with: "%3D"))")
      #expect(expired.status == 410 && expired.json["reason"] == "Expired")
    }
  }

  @Test func `a configured bearer token is required`() async throws {
    try await withServer(SimulatorConfiguration(bearerToken: "secret")) { _, client in
      let refused = try await client.send("GET", "/api/v1/nodes")
      #expect(refused.status == 401 && refused.json["reason"] == "Unauthorized")
      var client = client
      client.token = "secret"
      #expect(try await client.send("GET", "/api/v1/nodes").status == 200)
    }
  }

  @Test func `rejections apply only to matching requests`() async throws {
    try await withServer { server, client in
      server.rejectNext(Rejection(status: 503, reason: "ServiceUnavailable", retryAfter: 7, count: 2, verb: .list, resource: "pods"))
      #expect(try await client.send("GET", "/api/v1/nodes").status == 200)
      for _ in 0..<2 {
        let refused = try await client.send("GET", "/api/v1/pods")
        #expect(refused.status == 503 && refused.header("Retry-After") == "7")
      }
      #expect(try await client.send("GET", "/api/v1/pods").status == 200)
      #expect(server.requestCount(.list, "pods") == 3)
      #expect(server.requestCount(.list) == 4)
      #expect(server.writeCount() == 0)
      _ = try await client.send("POST", Self.configMaps, Sample.configMap("a"))
      #expect(server.writeCount("configmaps") == 1 && server.requestCount(.create, "configmaps") == 1)
    }
  }

  @Test func `both event groups show the same Events`() async throws {
    try await withServer { _, client in
      let event: JSONValue = [
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": ["name": "e"], "note": "seen", "reason": "Seen", "type": "Normal",
        "regarding": ["kind": "Pod", "namespace": "default", "name": "p"], "reportingController": "rollcall.dev/controller",
        "reportingInstance": "rollcall-0", "action": "Calling", "eventTime": "2026-03-01T12:00:00.000000Z",
      ]
      let path = "/apis/events.k8s.io/v1/namespaces/default/events"
      let created = try await client.send("POST", path, event)
      #expect(created.status == 201 && created.json["note"] == "seen" && created.json["apiVersion"] == "events.k8s.io/v1")
      _ = try await client.send("PATCH", path + "/e", Self.series, type: "application/merge-patch+json")
      let core = try await client.send("GET", "/api/v1/events?fieldSelector=involvedObject.name%3Dp").json["items"]?[0]
      #expect(core?["message"] == "seen" && core?["involvedObject"]?["kind"] == "Pod" && core?["series"]?["count"] == 2)
      #expect(core?["reportingComponent"] == "rollcall.dev/controller" && core?["note"] == nil)
      let list = try await client.send("GET", path + "?fieldSelector=regarding.name%3Dp").json
      #expect(list["kind"] == "EventList" && list["items"]?[0]?["note"] == "seen")
    }
  }

  private static let series: JSONValue = ["series": ["count": 2, "lastObservedTime": "2026-03-01T12:01:00.000000Z"]]

  @Test func `protobuf over HTTP`() async throws {
    try await withServer { server, client in
      try server.put(Sample.node("n"))
      let list = try await client.send("GET", "/api/v1/nodes", accept: "application/vnd.kubernetes.protobuf,application/json")
      #expect(list.header("Content-Type") == "application/vnd.kubernetes.protobuf")
      #expect(list.bytes.prefix(4) == [0x6B, 0x38, 0x73, 0x00])
      let refused = try await client.send(
        "GET", "/apis/coordination.k8s.io/v1/leases", accept: "application/vnd.kubernetes.protobuf")
      #expect(refused.status == 406)
    }
  }

  @Test func `the server ends when it is cancelled`() async throws {
    let server = SimulatedAPIServer()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { try await server.run() }
      try await server.waitUntilListening()
      group.cancelAll()
      try await group.waitForAll()
    }
    await #expect(throws: SimulatorError.self) { try await server.waitUntilListening() }
  }

  @Test func `a taken port is an error`() async throws {
    try await withServer { first, _ in
      let port = try await first.waitUntilListening()
      let second = SimulatedAPIServer(configuration: SimulatorConfiguration(port: port))
      await #expect(throws: (any Error).self) { try await second.run() }
      await #expect(throws: (any Error).self) { try await second.waitUntilListening() }
    }
  }
}
