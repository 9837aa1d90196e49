import Foundation
import JSON
import Testing

@testable import Simulator

/// TokenReview and SubjectAccessReview, over HTTP.
@Suite struct ReviewTests {
  private func review(_ client: TestClient, _ path: String, _ spec: JSONValue) async throws -> JSONValue {
    let answer = try await client.send("POST", path, ["spec": spec])
    #expect(answer.status == 201)
    return try #require(answer.json["status"])
  }

  @Test func `a token is authenticated for its audience until it expires`() async throws {
    try await withServer { server, client in
      let path = "/apis/authentication.k8s.io/v1/tokenreviews"
      server.setToken("p", .serviceAccount("prometheus", namespace: "monitoring"))
      let accepted = try await review(client, path, ["token": "p"])
      #expect(
        accepted == [
          "authenticated": true, "audiences": [.string(SimulatedToken.apiServer)],
          "user": [
            "username": "system:serviceaccount:monitoring:prometheus", "uid": "monitoring-prometheus",
            "groups": ["system:serviceaccounts", "system:serviceaccounts:monitoring", "system:authenticated"],
          ],
        ])
      server.setToken("old", .serviceAccount("prometheus", namespace: "monitoring", expires: .now - 1))
      server.setToken("vault", SimulatedToken(user: "v", audiences: ["vault"]))
      for token in ["old", "vault", "unknown", ""] {
        let refused = try await review(client, path, ["token": .string(token)])
        #expect(refused["authenticated"] == nil && refused["user"] == [:] && refused["error"] != nil, "\(token)")
      }
      #expect(try await review(client, path, ["token": "vault", "audiences": ["vault", "other"]])["audiences"] == ["vault"])
    }
  }

  @Test func `ClusterRoles decide about paths`() async throws {
    try await withServer { server, client in
      func object(_ kind: String, _ name: String, _ members: JSONObject) throws {
        var object: JSONObject = [
          "apiVersion": "rbac.authorization.k8s.io/v1", "kind": .string(kind), "metadata": ["name": .string(name)],
        ]
        object.merge(members)
        try server.put(.object(object))
      }
      try object("ClusterRole", "scraper", ["rules": [["nonResourceURLs": ["/metrics", "/proxy/*"], "verbs": ["get"]]]])
      try object("ClusterRole", "everything", ["rules": [["nonResourceURLs": ["*"], "verbs": ["*"]]]])
      try object(
        "ClusterRoleBinding", "system:scraper",
        [
          "roleRef": ["kind": "ClusterRole", "name": "scraper"],
          "subjects": [
            ["kind": "Group", "name": "g"], ["kind": "ServiceAccount", "name": "p", "namespace": "m"], ["kind": "User", "name": "u"],
          ],
        ])
      try object("ClusterRoleBinding", "all", ["roleRef": ["name": "everything"], "subjects": [["kind": "User", "name": "admin"]]])
      func allowed(_ user: String, _ path: String, groups: JSONValue = [], verb: String = "get") async throws -> Bool? {
        let spec: JSONValue = [
          "user": .string(user), "groups": groups, "nonResourceAttributes": ["path": .string(path), "verb": .string(verb)],
        ]
        return try await review(client, "/apis/authorization.k8s.io/v1/subjectaccessreviews", spec)["allowed"]?.bool
      }
      #expect(try await allowed("u", "/metrics") == true)
      #expect(try await allowed("u", "/metrics", verb: "head") == false)
      #expect(try await allowed("u", "/metrics/cadvisor") == false)
      #expect(try await allowed("u", "/proxy/a/metrics") == true)
      #expect(try await allowed("u", "/proxy") == false)
      #expect(try await allowed("x", "/metrics", groups: ["g"]) == true)
      #expect(try await allowed("system:serviceaccount:m:p", "/metrics") == true)
      #expect(try await allowed("system:serviceaccount:m:q", "/metrics") == false)
      #expect(try await allowed("admin", "/anything", verb: "post") == true)
      #expect(try await allowed("x", "/", groups: ["system:masters"]) == true)
    }
  }

  @Test func `a client with the token may do everything`() async throws {
    try await withServer { _, client in
      let spec: JSONValue = ["resourceAttributes": ["verb": "list", "group": "apps", "resource": "statefulsets"]]
      let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
      let status = try await review(client, path, spec)
      #expect(status["allowed"]?.bool == true)
      let refused = try await client.send("POST", path, [:])
      #expect(refused.status == 400)
    }
  }
}
