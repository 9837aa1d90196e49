import Foundation
import HTTPTransport
import JSON
import Logging
import TestSupport
import Testing

@testable import KubeClient

@Suite struct KubeClientTests {
  @Test func `get fetches an object`() async throws {
    let server = try scriptedServer { request, connection in
      try connection.json(#"{"kind":"Node","metadata":{"name":"a"}}"#)
    }
    defer { server.stop() }
    let node = try await plainHTTPClient(of: server.url).get(.nodes, name: "a")
    #expect(node["metadata"]?["name"] == "a")
    let request = try #require(server.requests.first)
    #expect(request.method == "GET")
    #expect(request.target == "/api/v1/nodes/a")
    #expect(request.header("Accept") == "application/json")
    #expect(request.header("User-Agent")?.hasPrefix("rollcall") == true)
  }

  @Test
  func `a refusal becomes a Status, from JSON, protobuf or an HTML page`() async throws {
    let server = try scriptedServer { request, connection in
      switch request.target.split(separator: "/").last {
      case "json":
        try connection.json(409, Samples.statusJSON(409, "Conflict", "twice", details: #"{"causes":[{"reason":"FieldManagerConflict"}]}"#))
      case "busy": try connection.json(429, headers: [("Retry-After", "7")], Samples.statusJSON(429, "TooManyRequests"))
      case "protobuf":
        let status = ProtobufEncoder {
          $0.string(4, "NotFound")
          $0.integer(6, 404)
        }
        try connection.respond(
          status: 404, headers: [("Content-Type", MediaType.protobuf)], body: ProtobufEncoder.enveloped(kind: "Status", status.bytes))
      default: try connection.respond(status: 502, body: "<h1>bad\ngateway</h1>")
      }
    }
    defer { server.stop() }
    let client = try plainHTTPClient(of: server.url)
    func status(_ name: String) async throws -> APIStatus {
      let error = await #expect(throws: KubeError.self) { try await client.get(.nodes, name: name) }
      return try #require(error?.status)
    }
    let conflict = try await status("json")
    #expect(conflict == APIStatus(code: 409, reason: "Conflict", message: "twice", causes: ["FieldManagerConflict"]))
    #expect(conflict.isConflict)
    #expect(try await status("busy").retryAfter == .seconds(7))
    #expect(try await status("protobuf").isNotFound)
    let gateway = try await status("html")
    #expect(gateway == APIStatus(code: 502, message: "<h1>badgateway</h1>"))
  }

  @Test
  func `R02: a list follows continue tokens and adds apiVersion and kind to its items`() async throws {
    let server = try scriptedServer { request, connection in
      switch request.parameter("continue") {
      case nil: try connection.json(Samples.nodeListJSON(["a", "b"], version: 10, token: "t/1"))
      case "t%2F1": try connection.json(Samples.nodeListJSON(["c"], version: 10))
      default: try connection.json(400, Samples.statusJSON(400, "BadRequest"))
      }
    }
    defer { server.stop() }
    let list = try await plainHTTPClient(of: server.url).list(.nodes, Selection(labels: "a=b"))
    #expect(list.items.compactMap { $0["metadata"]?["name"]?.string } == ["a", "b", "c"])
    #expect(list.items.allSatisfy { $0["kind"] == "Node" && $0["apiVersion"] == "v1" })
    #expect(list.resourceVersion == "10")
    #expect(
      server.requests.map(\.target) == [
        "/api/v1/nodes?labelSelector=a%3Db&limit=500", "/api/v1/nodes?labelSelector=a%3Db&limit=500&continue=t%2F1",
      ])
  }

  @Test
  func `R03: an expired continue token causes a list without pages`() async throws {
    let server = try scriptedServer { request, connection in
      if request.parameter("continue") != nil {
        try connection.json(410, Samples.statusJSON(410, "Expired"))
      } else if request.parameter("limit") != nil {
        try connection.json(Samples.nodeListJSON(["old"], version: 10, token: "t"))
      } else {
        try connection.json(Samples.nodeListJSON(["new"], version: 20))
      }
    }
    defer { server.stop() }
    let list = try await plainHTTPClient(of: server.url).list(.nodes)
    #expect(list.items.compactMap { $0["metadata"]?["name"]?.string } == ["new"])
    #expect(list.resourceVersion == "20")
    #expect(server.requests.count == 3)
  }

  @Test
  func `R03: a list that is expired on its first page throws`() async throws {
    let server = try scriptedServer { _, connection in try connection.json(410, Samples.statusJSON(410, "Expired")) }
    defer { server.stop() }
    let error = await #expect(throws: KubeError.self) { try await plainHTTPClient(of: server.url).list(.nodes) }
    #expect(error?.status?.isExpired == true)
    #expect(server.requests.count == 1)
  }

  @Test
  func `connection failures have different kinds`() async throws {
    let server = try scriptedServer { request, connection in
      try connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
      connection.finish()
    }
    let url = server.url
    let client = try plainHTTPClient(of: url)
    guard case .transport(let cut) = await #expect(throws: KubeError.self, performing: { try await client.get(.nodes, name: "a") }) else {
      throw NotATransportFailure()
    }
    #expect(cut.kind == .cut)
    server.stop()
    guard case .transport(let refused) = await #expect(throws: KubeError.self, performing: { try await client.get(.nodes, name: "a") })
    else { throw NotATransportFailure() }
    #expect(refused.kind == .unreachable)
  }

  private struct NotATransportFailure: Error {}

  @Test
  func `a response that is not JSON is a decoding error`() async throws {
    let server = try scriptedServer { _, connection in try connection.json("{") }
    defer { server.stop() }
    let error = await #expect(throws: KubeError.self) { try await plainHTTPClient(of: server.url).get(.nodes, name: "a") }
    guard case .decode = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }

  @Test
  func `writes use the path of the object`() async throws {
    let server = try scriptedServer { request, connection in try connection.json("{}") }
    defer { server.stop() }
    let client = try plainHTTPClient(of: server.url)
    let object: JSONValue = ["apiVersion": "v1", "kind": "Secret", "metadata": ["namespace": "n", "name": "s"]]
    try await client.create(object)
    try await client.replace(object)
    try await client.apply(object, fieldManager: "me")
    try await client.delete(.secrets, name: "s", namespace: "n", preconditions: DeletePreconditions(uid: "u"))
    #expect(
      server.requests.map { "\($0.method) \($0.target)" } == [
        "POST /api/v1/namespaces/n/secrets", "PUT /api/v1/namespaces/n/secrets/s",
        "PATCH /api/v1/namespaces/n/secrets/s?fieldManager=me&force=false", "DELETE /api/v1/namespaces/n/secrets/s",
      ])
    #expect(
      server.requests.map { $0.header("Content-Type") } == [
        "application/json", "application/json", "application/apply-patch+yaml", "application/json",
      ])
  }

  @Test(
    arguments: [
      ["apiVersion": "v1", "kind": "Secret", "metadata": [:]],
      ["apiVersion": "example.com/v1", "kind": "Thing", "metadata": ["name": "a"]],
    ] as [JSONValue])
  func `an object without a path is refused before a request is sent`(_ object: JSONValue) async throws {
    let client = try plainHTTPClient(of: "http://127.0.0.1:9")
    let error = await #expect(throws: KubeError.self) { try await client.apply(object, fieldManager: "me") }
    guard case .request = error else {
      Issue.record("\(String(describing: error))")
      return
    }
  }
}
