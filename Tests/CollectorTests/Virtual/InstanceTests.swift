import JSON
import Primitives
import Roll
import Testing

@testable import Collector

/// Several instances of a container in one response or in two successive ones, and how they are named.
@Suite struct InstanceTests {
  private static let running = String(repeating: "a1", count: 32)
  private static let ended = String(repeating: "b2", count: 32)
  private static let key = VirtualScrapeCache.Key(namespace: "shop", pod: "web-0")

  private static func sample(_ id: String, _ cpu: Double, _ time: Int64 = 1_795_218_000_000) -> String {
    #"container_cpu_usage_seconds_total{container="web",cpu="total",id="/kubepods/pod1/\#(id)",name="\#(id)"} \#(cpu) \#(time)"#
  }

  private static func memory(_ id: String, _ bytes: Double) -> String {
    #"container_memory_working_set_bytes{container="web",id="/kubepods/pod1/\#(id)",name="\#(id)"} \#(bytes) 1795218000000"#
  }

  private static func start(_ id: String, _ seconds: Double) -> String {
    #"container_start_time_seconds{container="web",id="/kubepods/pod1/\#(id)",name="\#(id)"} \#(seconds)"#
  }

  private func answer(to lines: [String], id: String) throws -> Answer {
    let freshness = Freshness(limit: .seconds(60))
    let findings = try ingest(lines.joined(separator: "\n"), [rollEntry("shop/web-0/web", id: id)], freshness).findings
    return findings.answer(for: 0, named: "web", freshness)
  }

  @Test func `R96: only the instance in the Pod's status counts as collected`() throws {
    #expect(try answer(to: [Self.sample(Self.running, 3), Self.sample(Self.ended, 900)], id: Self.running).reason == nil)
    #expect(try answer(to: [Self.sample(Self.ended, 900), Self.sample(Self.running, 3)], id: Self.running).reason == nil)
    let answer = try answer(to: [Self.sample(Self.ended, 900)], id: Self.running)
    #expect(answer.reason == .notInResponse && answer.detail.contains("another instance of container web"), "\(answer)")
    // Without an ID in the status, or with one that is not a runtime's, any instance counts.
    for id in ["", "instance-1"] { #expect(try self.answer(to: [Self.sample(Self.ended, 900)], id: id).reason == nil) }
  }

  @Test(arguments: [true, false], [true, false])
  func `R96: usage is that of the running instance, in either order`(isKnown: Bool, isFirst: Bool) throws {
    let running = [Self.sample(Self.running, 3), Self.memory(Self.running, 1e7), Self.start(Self.running, 1_795_217_900)]
    let ended = [Self.sample(Self.ended, 900), Self.memory(Self.ended, 5e8), Self.start(Self.ended, 1_795_210_000)]
    let lines = zip(running, ended).flatMap { isFirst ? [$0, $1] : [$1, $0] }
    let entry = rollEntry("shop/web-0/web", id: isKnown ? Self.running : "")
    let usage = try #require(try ingest(lines.joined(separator: "\n"), [entry]).scrape.usages().first)
    #expect(usage.cpuSeconds?.value == 3 && usage.workingSetBytes?.value == 1e7 && usage.startTimeSeconds?.value == 1_795_217_900)
  }

  @Test func `R96: both instances are served`() throws {
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60))
    let body = [Self.sample(Self.running, 3), Self.sample(Self.ended, 900)].joined(separator: "\n")
    cache.store(try ingest(body, [rollEntry("shop/web-0/web", id: Self.running)], sharing: cache).scrape, Self.key, of: "n")
    let text = try #require(cache.snapshot()?.text)
    #expect(text.contains("name=\"\(Self.running)\"") && text.contains("name=\"\(Self.ended)\""))
  }

  @Test(
    arguments: [
      // The counter grew, but in another instance, by ID or by start time alone.
      ([Self.sample(Self.ended, 2)], [Self.sample(Self.running, 10, 1_795_218_010_000)], nil, 0.0),
      (
        [Self.sample("x", 2), Self.start("x", 1_795_210_000)],
        [Self.sample("x", 10, 1_795_218_010_000), Self.start("x", 1_795_218_005)], nil, 0
      ),
      ([Self.sample(Self.running, 10)], [Self.sample(Self.running, 2, 1_795_218_010_000)], nil, 0),
      (
        [Self.sample("x", 2), Self.start("x", 1_795_210_000)], [Self.sample("x", 10, 1_795_218_010_000), Self.start("x", 1_795_210_000)],
        800_000_000, 8
      ),
    ] as [([String], [String], Int64?, Double)])
  func `R96: rates and sums of a node do not span two instances`(
    before: [String], after: [String], nanoCores: Int64?, cpuSeconds: Double
  ) throws {
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60))
    for lines in [before, after] {
      let entry = rollEntry("shop/web-0/web", id: "")
      cache.store(try ingest(lines.joined(separator: "\n"), [entry], sharing: cache).scrape, Self.key, of: "n")
    }
    let total = try #require(cache.snapshot(of: "n")).total()
    #expect(total.cpuNanoCores == nanoCores && total.cpuSeconds == cpuSeconds)
  }

  @Test(arguments: [false, true]) func `R96: CPU usage by processor is added up where there is no total`(hasTotal: Bool) throws {
    var body = (0..<4).map { "container_cpu_usage_seconds_total{container=\"web\",cpu=\"cpu0\($0)\",id=\"/x\"} \($0).5 5\n" }.joined()
    body += hasTotal ? "container_cpu_usage_seconds_total{container=\"web\",cpu=\"total\",id=\"/x\"} 100 5\n" : ""
    let usages = try ingest(body, [rollEntry("shop/web-0/web")]).scrape.cpuUsages()
    #expect(usages.map(\.seconds) == [hasTotal ? 100 : 8])
  }

  @Test func `R96: a start before 1970 is left out`() throws {
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60))
    let body = [Self.sample("x", 2), Self.memory("x", 5), Self.start("x", -62_135_596_800)].joined(separator: "\n")
    cache.store(try ingest(body, [rollEntry("shop/web-0/web")], sharing: cache).scrape, Self.key, of: "n")
    let snapshot = try #require(cache.snapshot(of: "n"))
    #expect(ResourceFamily.containerStart.lines(of: snapshot, now: 0).isEmpty)
    #expect(snapshot.summaries(now: 0) { _, _ in nil }.first?["startTime"] == nil)
  }

  @Test(arguments: ["", InstanceTests.running])
  func `R96: a cAdvisor that runs alone names containers by Docker's labels`(id: String) throws {
    let names = ["container_name": "web", "pod_name": "web-0", "pod_namespace": "shop"]
    let labels = names.sorted { $0.key < $1.key }.map { "container_label_io_kubernetes_\($0)=\"\($1)\"" }.joined(separator: ",")
    let body = """
      container_cpu_usage_seconds_total{\(labels),cpu="total",id="/system.slice/docker-\(Self.running).scope",name="k8s_web_web-0_shop_u_0"} 12.5

      """
    let (scrape, findings) = try ingest(body, [rollEntry("shop/web-0/web", id: id)])
    #expect(findings.answer(for: 0, named: "web", Freshness(limit: .seconds(60))) == .collected(age: .zero))
    #expect(scrape.cpuUsages().map(\.seconds) == [12.5])
    #expect(scrape.cpuUsages().map(\.container) == ["web"])
  }

  @Test(arguments: [
    "/kubepods/burstable/pod1/ID", "/docker/ID", "/system.slice/docker-ID.scope",
    "/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope",
    "/kubepods.slice/crio-ID.scope", "/kubepods/crio-ID", "/machine.slice/libpod-ID.scope", "/libpod_parent/libpod-payload-ID",
    "/machine.slice/libpod-ID.scope/container", "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:ID",
  ])
  func `R96: a container is found by its cgroup path`(path: String) throws {
    let path = path.replacing("ID", with: Self.running)
    let (_, findings) = try ingest("container_last_seen{id=\"\(path)\"} 1\n", [rollEntry("shop/web-0/web", id: Self.running)])
    #expect(findings.answer(for: 0, named: "web", Freshness(limit: .seconds(60))) == .collected(age: .zero))
  }

  @Test(arguments: [
    "/kubepods/crio-conmon-ID.scope", "/machine.slice/libpod-conmon-ID.scope", "/kubepods/pod1/ID/init.scope", "/kubepods/xID",
  ])
  func `R96: a monitor's cgroup and one below the container's are not the container's`(path: String) throws {
    let path = path.replacing("ID", with: Self.running)
    let (_, findings) = try ingest("container_last_seen{id=\"\(path)\"} 1\n", [rollEntry("shop/web-0/web", id: Self.running)])
    #expect(findings.answer(for: 0, named: "web", Freshness(limit: .seconds(60))).reason == .notInResponse)
  }

  @Test(
    arguments: [
      (["container_scrape_error 1", "container_a{container=\"web\"} 1 500000"], nil),
      (["container_a{container=\"web\"} 1 500000", "container_scrape_error 1"], nil),
      (["container_scrape_error 1", "container_a{container=\"web\"} 1"], .staleData),
      (["container_scrape_error 1", "container_a{container=\"web\"} 1 1000"], .staleData),
    ] as [([String], Reason?)])
  func `R99: an error of the scrape does not overrule samples that are fresh by their own time`(lines: [String], reason: Reason?) throws {
    let freshness = Freshness(sent: 500_000, limit: .seconds(120))
    let findings = try ingest(lines.joined(separator: "\n"), [rollEntry("shop/web-0/web")], freshness).findings
    #expect(findings.answer(for: 0, named: "web", freshness).reason == reason)
  }

  @Test func `R98: without a date, samples are judged by our own clock`() {
    let freshness = Freshness(date: nil, now: 10_000_000, limit: .seconds(120))
    #expect(freshness.answer(newest: 10_000_000 - 3_600_000).reason == .staleData)
    #expect(freshness.answer(newest: 9_990_000) == .collected(age: .seconds(10)))
    #expect(freshness.answer(newest: .max).reason == .badExposition)
    #expect(freshness.answer(newest: .min).reason == .staleData)
    #expect(!Freshness(limit: .zero).covers(-1))
  }
}
