import HTTPTransport
import JSON
import KubeClient
import Logging
import Push
import Roll
import TestSupport
import Testing

@testable import Collector
@testable import Controller

@Suite struct PushServiceTests {
  private let time = ManualTime()
  private let transport: HTTPTransport

  init() throws { transport = try HTTPTransport() }

  private func service(_ flags: [String: [String]], _ change: (inout ControllerSettings) -> Void = { _ in }) throws -> PushService {
    var settings = try SettingsSources(
      flags: flags.merging(["push-shards": ["1"], "push-send-deadline": ["10ms"]]) { given, _ in given }
    ).settings()
    change(&settings)
    return try PushService(
      settings: settings.push(environment: [:]), transport: transport, time: time, logger: .silent)
  }

  /// Passes on a scrape of one pod like the collector does: three samples, one of them in a basic family.
  private func scrape(_ service: PushService, pod: String = "web-0", node: String = "virtual-1") throws {
    var settings = VirtualSettings()
    settings.feedsSink = true
    var ingest = ScrapeIngest(settings: settings)
    let entry = RollEntry(
      reference: ContainerReference(namespace: "shop", pod: pod, container: "web"), podUID: "u", containerID: "", hostNetwork: false)
    let body = """
      # HELP container_memory_rss Size of RSS in bytes.
      # TYPE container_memory_rss gauge
      container_memory_rss{container="web"} 4096
      container_processes{container="web",text="a \\"b\\""} 3
      container_threads{container="web"} 5

      """
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60))
    let feed = try #require(service.virtualNodes)
    _ = try ingest.ingest(
      Array(body.utf8), labels: PodLabels(node: node, entries: [entry], isOfOnePod: true), Freshness(limit: .seconds(60)),
      sharing: cache.shapes
    ) { feed.receive($0, VirtualScrapeCache.Key(namespace: "shop", pod: pod), of: node) }
  }

  private func running(_ service: PushService, _ body: () async throws -> Void) async throws {
    let run = Task { await service.run() }
    defer { run.cancel() }
    try await body()
  }

  private func sent(_ service: PushService) -> UInt64 {
    service.receivers.reduce(0) { $0 + $1.pusher.statistics.sent }
  }

  private func waiting(_ service: PushService) -> Int {
    service.receivers.reduce(0) { $0 + $1.pusher.statistics.waiting }
  }

  private func acceptingServer() throws -> ScriptedServer {
    try ScriptedServer { connection in while try connection.readRequest() != nil { try connection.respond(status: 204, body: "") } }
  }

  @Test func `series of pods that are gone, silent for long, or on a node that is gone are ended`() async throws {
    let server = try acceptingServer()
    defer { server.stop() }
    let service = try service(["virtual-mode": ["push"], "remote-write-url": ["\(server.url)/w"], "virtual-staleness": ["1m"]])
    let feed = try #require(service.virtualNodes)
    let key = VirtualScrapeCache.Key(namespace: "shop", pod: "web-0")
    // Each scrape sends three samples, and its end three stale markers.
    try await running(service) {
      try scrape(service)
      feed.retain([key], of: "virtual-1")
      feed.retain([], of: "virtual-2")
      try await eventually("no series is ended") { sent(service) == 3 }
      feed.retain([], of: "virtual-1")
      try await eventually("the pod's series are ended") { sent(service) == 6 }
      feed.forget("virtual-1")

      try scrape(service)
      feed.forget("virtual-1")
      try await eventually("the node's series are ended") { sent(service) == 12 }

      try scrape(service)
      time.advance(by: .seconds(60))
      feed.endStale()
      try scrape(service, pod: "web-1")
      try await eventually("the overdue pod's series are not yet ended") { sent(service) == 18 }
      time.advance(by: .milliseconds(1))
      feed.endStale()
      try await eventually("they are ended, and the other pod's are not") { sent(service) == 21 }
    }
  }

  @Test func `R33: who leads no more ends nothing, for another goes on`() async throws {
    let server = try acceptingServer()
    defer { server.stop() }
    let service = try service(["virtual-mode": ["push"], "remote-write-url": ["\(server.url)/w"]])
    try await running(service) {
      try scrape(service)
      service.forgetAll()
      service.virtualNodes?.forget("virtual-1")
      try scrape(service, pod: "web-1")
      // Both scrapes use the same shard, so that stale markers of the first would be sent before the second.
      try await eventually("the queue is empty") { sent(service) >= 6 && waiting(service) == 0 }
      #expect(sent(service) == 6)
    }
  }

  @Test func `Open-Falcon is given the basic families of virtual nodes and the sockets of Linux pods`() async throws {
    let server = try acceptingServer()
    defer { server.stop() }
    let service = try service([
      "virtual-mode": ["push"], "open-falcon-url": ["\(server.url)/v1/push"], "external-labels": ["cluster=east"], "interval": ["30s"],
    ])
    var pod = PodSockets(namespace: "shop", pod: "db-0")
    (pod.established, pod.inUse, pod.timeWait, pod.orphans, pod.total, pod.udp) = (1, 2, 3, nil, 5, 6)
    try await running(service) {
      try scrape(service)
      service.sockets?.take([pod], of: "linux-1")
      try await eventually("all items are sent") { sent(service) == 6 }
    }
    let items = try server.requests.flatMap { try JSONValue(parsing: $0.body).array ?? [] }
    #expect(Set(server.requests.map(\.target)) == ["/v1/push"])
    let seconds = JSONValue.integer(time.reading().unixMilliseconds / 1000)
    func item(_ endpoint: String, _ metric: String, _ value: Double, _ tags: String) -> JSONValue {
      [
        "endpoint": .string(endpoint), "metric": .string(metric), "timestamp": seconds, "step": 30, "value": .number(value),
        "counterType": "GAUGE", "tags": .string(tags),
      ]
    }
    let tags = "cluster=east,namespace=shop,pod=db-0"
    #expect(
      items == [
        item("virtual-1", "container_memory_rss", 4096, "cluster=east,container=web,namespace=shop,pod=web-0"),
        item("linux-1", "pod.sockets.established", 1, tags), item("linux-1", "pod.sockets.inuse", 2, tags),
        item("linux-1", "pod.sockets.timewait", 3, tags), item("linux-1", "pod.sockets.total", 5, tags),
        item("linux-1", "pod.sockets.udp", 6, tags),
      ])
  }

  @Test func `R20, R26 headers come from a file that may change, and go nowhere else`() async throws {
    let server = try acceptingServer()
    defer { server.stop() }
    let folder = try TemporaryFolder()
    let file = try folder.write("# credentials\nAuthorization: Bearer first\n", to: "headers")
    let service = try service([
      "virtual-mode": ["push"], "remote-write-url": ["\(server.url)/w"], "remote-write-headers-file": [file],
    ])
    try await running(service) {
      try scrape(service)
      try await eventually("one push") { sent(service) == 3 }
      _ = try folder.write("Authorization: Bearer second\n", to: "headers")
      try scrape(service)
      try await eventually("a second push") { sent(service) == 6 }
    }
    #expect(server.requests.map { $0.header("Authorization") } == ["Bearer first", "Bearer second"])
  }

  @Test func `R102: remote write describes families, and Open-Falcon does not`() async throws {
    let server = try acceptingServer()
    defer { server.stop() }
    let service = try service([
      "virtual-mode": ["push"], "remote-write-url": ["\(server.url)/w"], "open-falcon-url": ["\(server.url)/v1/push"],
    ])
    try await running(service) {
      try scrape(service)
      try await eventually("both are sent") { sent(service) == 4 }
    }
    let written = try #require(server.requests.first { $0.target == "/w" })
    // Snappy stores what has not occurred before uncompressed.
    #expect(String(decoding: written.body, as: UTF8.self).contains("Size of RSS"))
  }

  @Test(arguments: [("HTTP_PROXY", [:] as [String: [String]]), ("", ["remote-write-proxy-url": []]), ("NO_PROXY", [:])])
  func `R102: a setting or the environment names the proxy of remote write`(variable: String, flags: [String: [String]]) throws {
    var settings = try SettingsSources(
      flags: ["virtual-mode": ["push"], "remote-write-url": ["http://receiver.example/w"], "open-falcon-url": ["http://falcon:1988/"]]
    ).settings()
    if !flags.isEmpty { settings.remoteWriteProxy = ProxyServer(url: "socks5://own:1080") }
    var environment = ["HTTP_PROXY": "http://me:pw@proxy:3128"]
    if variable == "NO_PROXY" { environment["NO_PROXY"] = ".example" }
    let push = try settings.push(environment: environment)
    let expected = ["HTTP_PROXY": "http://me:pw@proxy:3128", "": "socks5h://own:1080"]
    #expect(push.remoteWrite?.push.proxy == expected[variable])
    #expect(push.openFalcon?.push.proxy == nil)
  }

  @Test(arguments: [
    ("Authorization: Bearer a\nUser-Agent: mine\n", ":2: the header User-Agent is set by Rollcall"),
    ("# c\n\ncontent-encoding: gzip", ":3: the header content-encoding is set by Rollcall"),
    ("Content-Type: text/plain\r\n", ":1: the header Content-Type"),
    ("X-Prometheus-Remote-Write-Version: 2.0.0\n", ":1: the header X-Prometheus-Remote-Write-Version"),
    ("Transfer-Encoding: chunked\n", ":1: the header Transfer-Encoding is set by the transport"),
    ("Authorization Bearer secret\n", ":1: the line is not 'Name: value'"), ("A B: secret\n", ":1: a header's name"),
  ])
  func `R102: refused headers are named with file and line, at the start and later`(text: String, problem: String) async throws {
    let server = try acceptingServer()
    defer { server.stop() }
    let folder = try TemporaryFolder()
    let file = try folder.write("Authorization: Bearer good\n", to: "headers")
    let flags = ["virtual-mode": ["push"], "remote-write-url": ["\(server.url)/w"], "remote-write-headers-file": [file]]
    let service = try service(flags)
    try await running(service) {
      try scrape(service)
      try await eventually("one push") { sent(service) == 3 }
      _ = try folder.write(text, to: "headers")
      try scrape(service)
      try await eventually("the reason is known") { service.receivers[0].pusher.statistics.problem?.contains(file + problem) == true }
      #expect(service.receivers[0].pusher.statistics.problem?.contains("secret") == false)
      _ = try folder.write("Authorization: Bearer better\n", to: "headers")
      try await eventually("nothing is lost") { sent(service) == 6 }
    }
    #expect(server.requests.map { $0.header("Authorization") } == ["Bearer good", "Bearer better"])

    _ = try folder.write(text, to: "headers")
    let error = #expect(throws: ControllerError.self) {
      try RollcallController(settings: SettingsSources(flags: flags).settings(), environment: [:], version: "1", logger: .silent)
    }
    #expect(error?.description.contains("--remote-write-headers-file: \(file)\(problem)") == true)
  }

  @Test func `a redirect is not followed, and counted`() async throws {
    let elsewhere = try acceptingServer()
    defer { elsewhere.stop() }
    let server = try ScriptedServer { connection in
      while try connection.readRequest() != nil { try connection.respond(status: 302, headers: [("Location", elsewhere.url)], body: "") }
    }
    defer { server.stop() }
    let service = try service(["virtual-mode": ["push"], "remote-write-url": ["\(server.url)/w"]])
    try await running(service) {
      try scrape(service)
      try await eventually("it is refused") { service.receivers[0].pusher.statistics.refused == 3 }
    }
    #expect(elsewhere.requests.isEmpty)
  }

  @Test func `a spool that cannot be used is an error that says so`() {
    let error = #expect(throws: ControllerError.self) {
      try service(["virtual-mode": ["push"], "remote-write-url": ["http://127.0.0.1:1/w"], "push-spool-dir": ["/proc/nothing"]])
    }
    #expect(error?.description.contains("--push-spool-dir: cannot make the folder /proc/nothing/remote-write") == true)
  }

  @Test(arguments: [("serve", true), ("both", true), ("push", false)])
  func `virtual nodes are targets as long as something is served`(mode: String, isTarget: Bool) throws {
    let settings = try SettingsSources(
      flags: ["virtual-mode": [mode], "open-falcon-url": ["http://127.0.0.1:1/v1/push"]]
    ).settings()
    #expect((settings.endpoints[.virtual] != nil) == isTarget)
    let virtual = settings.nodes.virtual
    #expect(virtual.feedsSink == (mode != "serve"))
    #expect((virtual.servedFamilies != nil) == isTarget)
  }

  @Test func `what is pushed is counted on the metrics page`() async throws {
    let server = try acceptingServer()
    defer { server.stop() }
    let service = try service(["virtual-mode": ["both"], "remote-write-url": ["\(server.url)/w"]])
    try await running(service) {
      try scrape(service)
      try await eventually("one push") { sent(service) == 3 }
    }
    try await ServedController.run(push: service) { served in
      let text = try await served.text("/metrics")
      for line in [
        "rollcall_push_samples_sent_total{receiver=\"remote_write\"} 3", "rollcall_push_samples_pending{receiver=\"remote_write\"} 0",
        "rollcall_push_shards{receiver=\"remote_write\"} 1", "rollcall_push_samples_failed_total{receiver=\"remote_write\"} 0",
      ] {
        #expect(text.contains(line + "\n"), "\(line)")
      }
      #expect(!text.contains("rollcall_push_spool_bytes{"))
    }
  }
}
