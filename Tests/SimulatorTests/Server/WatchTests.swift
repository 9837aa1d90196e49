import JSON
import TestSupport
import Testing

@testable import Simulator

@Suite(.timeLimit(.minutes(5))) struct WatchTests {
  @Test func `a watch sends the present objects and then changes`() async throws {
    try await withServer { server, client in
      try server.put(Sample.pod("a"))
      var watch = try await client.watch("/api/v1/pods?watch=1")
      #expect(watch.status == 200 && watch.contentType == "application/json")
      #expect(try await watch.nextName() == "ADDED a")
      try server.put(Sample.pod("b"))
      #expect(try await watch.nextName() == "ADDED b")
      try server.put(Sample.pod("a", phase: "Failed"))
      #expect(try await watch.nextName() == "MODIFIED a")
      try server.remove("pods", namespace: "default", name: "b")
      #expect(try await watch.nextName() == "DELETED b")
      watch.cancel()
      try await eventually("the server has noticed that the client is gone") { server.watchCount == 0 }
    }
  }

  @Test func `a watch continues from a version`() async throws {
    try await withServer { server, client in
      try server.put(Sample.pod("a"))
      let version = server.resourceVersion
      try server.put(Sample.pod("b"))
      var watch = try await client.watch("/api/v1/pods?watch=true&resourceVersion=\(version)")
      #expect(try await watch.nextName() == "ADDED b")
      watch.cancel()
    }
  }

  @Test func `a watch from a dropped version gets an ERROR event`() async throws {
    try await withServer { server, client in
      try server.put(Sample.pod("a"))
      let version = server.resourceVersion
      try server.put(Sample.pod("b"))
      server.compact()
      var watch = try await client.watch("/api/v1/pods?watch=1&resourceVersion=\(version)")
      let event = try #require(try await watch.next())
      #expect(event["type"] == "ERROR" && event["object"]?["code"] == 410 && event["object"]?["reason"] == "Expired")
      #expect(try await watch.next() == nil)
    }
  }

  @Test func `bookmarks are sent on request`() async throws {
    var configuration = SimulatorConfiguration()
    configuration.bookmarkInterval = .milliseconds(20)
    try await withServer(configuration) { server, client in
      try server.put(Sample.node("n"))
      let version = server.resourceVersion
      var watch = try await client.watch("/api/v1/pods?watch=1&allowWatchBookmarks=true&resourceVersion=1")
      let event = try #require(try await watch.next())
      #expect(event["type"] == "BOOKMARK" && event["object"]?["kind"] == "Pod")
      #expect(event["object"]?.resourceVersion == String(version))
      watch.cancel()
    }
  }

  @Test func `initial events end with a bookmark`() async throws {
    try await withServer { server, client in
      try server.put(Sample.pod("a"))
      var watch = try await client.watch(
        "/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true")
      #expect(try await watch.nextName() == "ADDED a")
      let bookmark = try #require(try await watch.next())
      #expect(bookmark["object"]?["metadata"]?["annotations"]?["k8s.io/initial-events-end"] == "true")
      watch.cancel()
      #expect(try await client.send("GET", "/api/v1/pods?watch=1&sendInitialEvents=true").status == 400)
    }
  }

  @Test func `a watch ends at its timeout and when watches are dropped`() async throws {
    try await withServer { server, client in
      var short = try await client.watch("/api/v1/pods?watch=1&timeoutSeconds=1")
      #expect(try await short.next() == nil)
      var dropped = try await client.watch("/api/v1/pods?watch=1")
      try await eventually("the watch is under way") { server.watchCount == 1 }
      server.dropWatches()
      #expect(try await dropped.next() == nil)
    }
  }

  @Test func `a watch of tables has the columns once`() async throws {
    try await withServer { server, client in
      try server.put(Sample.pod("a"))
      var watch = try await client.watch("/api/v1/pods?watch=1", accept: "application/json;as=Table;v=v1;g=meta.k8s.io")
      #expect(try await watch.next()?["object"]?["columnDefinitions"]?.array?.isEmpty == false)
      try server.put(Sample.pod("b"))
      let second = try #require(try await watch.next())
      #expect(second["object"]?["columnDefinitions"] == [] && second["object"]?["rows"]?[0]?["cells"]?[0] == "b")
      watch.cancel()
    }
  }

  @Test func `a protobuf watch has length-prefixed frames`() async throws {
    try await withServer { server, client in
      try server.put(Sample.pod("a"))
      let watch = try await client.watch("/api/v1/pods?watch=1", accept: "application/vnd.kubernetes.protobuf;stream=watch")
      #expect(watch.contentType == "application/vnd.kubernetes.protobuf;stream=watch")
      var chunks = watch.chunks
      var bytes: [UInt8] = []
      while bytes.count < 4 { bytes += try #require(try await chunks.next()) }
      let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
      while bytes.count < 4 + length { bytes += try #require(try await chunks.next()) }
      #expect(bytes.count == 4 + length)
      watch.cancel()
    }
  }
}
