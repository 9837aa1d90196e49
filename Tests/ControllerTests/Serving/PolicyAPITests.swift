import AsyncPrimitives
import HTTPTransport
import JSON
import KubeClient
import Roll
import Testing

@testable import Controller

@Suite struct PolicyAPITests {
  private func post(_ served: ServedController, _ body: String, type: String = "application/yaml", query: String = "") async throws
    -> (status: Int, body: JSONValue)
  {
    let response = try await HTTPTransport().send(
      HTTPRequest(
        method: "POST", url: "http://\(served.authority)/api/v1/policy-test\(query)", headers: [HTTPHeader("Content-Type", type)],
        body: Array(body.utf8), deadline: .seconds(60)))
    return (response.status, try JSONValue(parsing: response.body))
  }

  private func text(_ name: String, _ selector: JSONValue, _ effects: JSONValue) -> String {
    String(decoding: policyObject(name, selector, effects).bytes, as: UTF8.self)
  }

  @Test func `R125: policies are listed in their order, and one that is not accepted says why`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      served.policies.set { content in
        content.records = [
          PolicyRecord(policyObject("a", [:], exempt)),
          PolicyRecord(policyObject("b", priority: 3, ["sources": ["linux"]], ["threshold": "10m"])),
          PolicyRecord(policyObject("c", [:], ["threshold": "1s"])),
        ]
      }
      let listed = try await served.json("/api/v1/policies")
      #expect(listed["state"] == "ready" && listed["accepted"] == 2)
      let policies = listed["policies"]?.array ?? []
      #expect(policies.map { $0["name"] } == ["a", "b", "c"] && policies.map { $0["order"] } == [2, 1, nil])
      #expect(policies[1]["selects"] == "sources linux" && policies[1]["effects"] == "threshold 10m" && policies[1]["priority"] == 3)
      #expect(policies[2]["reason"] == "ThresholdTooShort" && policies[2]["message"]?.string?.contains("1s is less than 1m30s") == true)
      let said = try await served.json("/api/v1/policies?namespace=shop&pod=web")
      #expect(said["policies"]?["selectedBy"] == ["b", "a"] && said["policies"]?["threshold"] == ["value": "10m", "policy": "b"])
      #expect(try await served.request("/api/v1/policies?namespace=shop&pod=none").status == 404)
      #expect(try await served.request("/api/v1/policies?pod=none").status == 400)
    }
  }

  @Test func `R129: what a policy would change is told for YAML and JSON`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let found = try await post(served, text("quiet", ["pods": ["matchExpressions": [["key": "x", "operator": "DoesNotExist"]]]], exempt))
      #expect(found.status == 200 && found.body["changes"] == true, "\(found.body)")
      #expect(found.body["kinds"]?["newlyExempt"]?["count"] == 4 && found.body["kinds"]?["gapsClosed"]?["count"] == 1)
      #expect(found.body["exemptsEverything"] == true)
      #expect(found.body["policies"] == [["name": "quiet", "state": "new", "order": 1, "containers": 6, "overridden": 0]])
      let yaml = """
        apiVersion: rollcall.dev/v1alpha1
        kind: CoveragePolicy
        metadata: {name: one}
        spec: {selector: {sources: [windows]}, effects: {threshold: 10m}}
        ---
        """
      let windows = try await post(served, yaml, type: "application/yaml; charset=utf-8", query: "?limit=0")
      #expect(windows.body["kinds"]?["threshold"] == ["count": 1, "examples": []])
    }
  }

  @Test func `R129: while policies are tested, another test is refused`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      let body = text("quiet", [:], exempt)
      do {
        let permit = try #require(served.trials.permitIfFree())
        let refused = try await post(served, body)
        #expect(refused.status == 429 && refused.body["error"]?.string?.contains("being tested just now") == true)
        withExtendedLifetime(permit) {}
      }
      for _ in 0..<2 { #expect(try await post(served, body).status == 200) }
    }
  }

  @Test func `R129: a body that is none is refused with what is wrong`() async throws {
    try await ServedController.run { served in
      served.publishSample()
      func refusal(_ body: String, type: String = "application/json", query: String = "") async throws -> String {
        let (status, answer) = try await post(served, body, type: type, query: query)
        return "\(status) \(answer["error"]?.string ?? "")"
      }
      let valid = text("p", [:], exempt)
      #expect(try await refusal(valid, type: "text/plain").hasPrefix("415 send the policies as application/yaml"))
      #expect(try await refusal("").hasPrefix("400 there is no policy"))
      #expect(try await refusal("a: [").hasPrefix("400 "))
      #expect(try await refusal(#"{"kind": "Pod", "metadata": {"name": "x"}}"#) == "400 x: not a CoveragePolicy of rollcall.dev/v1alpha1")
      #expect(try await refusal(text("", [:], exempt)) == "400 document 1: metadata.name is required")
      #expect(try await refusal(valid + "\n---\n" + valid) == "400 p: is there twice")
      #expect(try await refusal(text("p", ["colour": "red"], exempt)).hasPrefix("400 p: spec.selector.colour: is not known here"))
      #expect(try await refusal(text("P", [:], exempt)).hasPrefix("400 P: metadata.name: is no name of an object"))
      #expect(try await refusal(valid, query: "?limit=1001").hasPrefix("400 limit is a number from 0 to 1000"))
      #expect(try await refusal(String(repeating: " ", count: PolicyAPI.maximumBytes + 1)).hasPrefix("413 "))
      let many = (0...100).map { text("p\($0)", [:], exempt) }.joined(separator: "\n---\n")
      #expect(try await refusal(many) == "400 there are 101 policies; test at most 100 at a time")
      let get = try await served.request("/api/v1/policy-test")
      #expect(get.status == 405 && get.headers.contains { $0.name.lowercased() == "allow" && $0.value == "POST" })
      #expect(try await served.request("/api/v1/policies", method: "POST").status == 405)
      served.ledger.reset()
      #expect(try await refusal(valid).hasPrefix("503 "))
    }
  }
}
