import Collector
import HTTPTransport
import JSON
import KubeClient
import Primitives
import Roll
import Synchronization
import TestSupport
import Testing

@testable import Controller

/// Answers of a replica of the first of two shards, whose other leader is a served controller or a script.
@Suite struct ShardAnswersTests {
  private func peers(at port: Int, shards: Int = 2, isLeader: Bool = true, scheme: String = "http", token: HeadersFile? = nil) throws
    -> ShardPeers
  {
    ShardPeers(
      shard: try #require(NodeShard(0, of: shards)), isLeader: { isLeader }, transport: try HTTPTransport(),
      relayTransport: try HTTPTransport(),
      callDeadline: .seconds(30), scheme: scheme, port: port, address: { _ in "127.0.0.1" }, tls: { TLSOptions() }, token: token)
  }

  /// A replica of the first shard, with a Pod of its own, and the leader at `port` for all else.
  private func ask(port: Int, shards: Int = 2, isLeader: Bool = true, _ body: (ServedController) async throws -> Void) async throws {
    try await ServedController.run(peers: try peers(at: port, shards: shards, isLeader: isLeader)) { first in
      if isLeader {
        first.publish([nodeRecord("worker-a")], [podRecord("own", on: "worker-a", [containerRecord("app")])])
      } else {
        first.leadership.status = LeadershipStatus(isLeader: false, holder: "replica-2")
      }
      try await body(first)
    }
  }

  @Test func `R153: what policies say about a Pod is known to the shard of its node`() async throws {
    try await ServedController.run { second in
      second.publishSample()
      try await ask(port: second.port) { first in
        for pod in ["own", "web"] {
          let said = try await first.json("/api/v1/policies?namespace=shop&pod=\(pod)")
          #expect(said["pod"]?.string == pod && said["policies"] != nil, "\(said)")
        }
        #expect(try await first.request("/api/v1/policies?namespace=shop&pod=none").status == 404)
        #expect(try await first.request("/api/v1/policies?namespace=shop").status == 400)
      }
    }
  }

  @Test func `R153: a standby answers with what the leader of its shard knows`() async throws {
    try await ServedController.run { leader in
      leader.publishSample()
      leader.setSampleReports()
      try await ask(port: leader.port, isLeader: false) { standby in
        let policies = try await standby.json("/api/v1/policies")
        #expect(policies["state"] == "ready")
        let rules = try await standby.json("/api/v1/rules-without-data")
        #expect(rules["checked"] == 1)
        let metrics = try await standby.text("/metrics/cadvisor?node=worker-a")
        #expect(metrics.hasPrefix("there is no Node"), "the leader's word")
      }
    }
  }

  @Test func `R153: a trial of policies says that it is of one shard`() async throws {
    try await ask(port: 1) { first in
      let response = try await HTTPTransport().send(
        HTTPRequest(
          method: "POST", url: "http://\(first.authority)/api/v1/policy-test",
          headers: [HTTPHeader("Content-Type", "application/json")], body: policyObject("all", [:], exempt).bytes, deadline: .seconds(60)))
      let answer = try JSONValue(parsing: response.body)
      #expect(response.status == 200 && answer["policies"]?.array?.count == 1)
      #expect(answer["shards"]?["answered"] == 1 && answer["shards"]?["missing"]?[0]?["shard"] == 1)
    }
  }

  @Test func `R153: a shard that fails once is not asked for later pages, and is missing from the answer`() async throws {
    let others = ScrapePages()
    let server = try ScriptedServer { connection in
      while let request = try connection.readRequest() {
        let (status, body) = others.answer(shard: request.header("rollcall-shard"), target: request.target)
        try connection.respond(status: status, body: body)
      }
    }
    defer { server.stop() }
    try await ask(port: server.port, shards: 3) { first in
      first.setSampleReports()
      first.scrapes.set { $0.status.mode = .monitored }
      let answer = try await first.json("/api/v1/scrapes")
      #expect(answer["total"] == 5 && answer["shards"]?["answered"] == 2, "\(answer)")
      #expect(answer["shards"]?["missing"]?[0]?["shard"] == 1)
    }
    #expect(server.requests.count { $0.header("rollcall-shard") == "1" } == 1)
    #expect(server.requests.count { $0.header("rollcall-shard") == "2" } == 3)
  }

  @Test func `R153: a shard whose pages do not end is no answer`() async throws {
    let second = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: "{\"scrapes\":[],\"next\":1}") }
    }
    defer { second.stop() }
    try await ask(port: second.port) { first in
      first.scrapes.set { $0.status.mode = .monitored }
      let response = try await first.request("/api/v1/scrapes")
      #expect(response.status == 502)
    }
  }

  @Test func `R153: a relayed request waits as long as its client, and no less than for other requests`() throws {
    let peers = try peers(at: 1)
    let header = { [HTTPHeader("x-prometheus-scrape-timeout-seconds", $0)] }
    #expect(peers.patience(with: []) == .seconds(30))
    #expect(peers.patience(with: header("55.5")) == .seconds(55.5))
    #expect(peers.patience(with: header("2")) == .seconds(10))
    #expect(peers.patience(with: header("nan")) == .seconds(30))
  }

  @Test func `R153: the token is that of the service account's file, and goes over TLS only`() async throws {
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 200, body: "{}") }
    }
    defer { server.stop() }
    let folder = try TemporaryFolder()
    let token = HeadersFile(path: try folder.write("secret", to: "token"), isToken: true)
    _ = try await peers(at: server.port, token: token).open("/", ofShard: 1, within: .seconds(60))
    #expect(server.requests.map { $0.header("authorization") } == [nil])
    let missing = try peers(at: server.port, scheme: "https", token: HeadersFile(path: "\(folder.path)/none", isToken: true))
    let problem = await #expect(throws: ShardProblem.self) { try await missing.open("/", ofShard: 1, within: .seconds(60)) }
    #expect(problem?.reason == "cannot read a token from \(folder.path)/none")
  }
}

/// Three pages of one group each by the third shard. The second one fails at first.
private final class ScrapePages: Sendable {
  private let hasFailed = Mutex(false)

  func answer(shard: String?, target: String) -> (status: Int, body: String) {
    if shard == "1" {
      let isFirst = hasFailed.withLock { hasFailed in
        defer { hasFailed = true }
        return !hasFailed
      }
      return isFirst ? (500, "no") : (200, "{\"scrapes\":[],\"next\":null}")
    }
    let offset = (0...2).first { target.contains("offset=\($0)") } ?? 0
    return (200, "{\"scrapes\":[{\"namespace\":\"page-\(offset)\",\"count\":1}],\"next\":\(offset < 2 ? "\(offset + 1)" : "null")}")
  }
}
