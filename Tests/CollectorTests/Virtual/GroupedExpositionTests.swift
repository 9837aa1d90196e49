import Exposition
import Primitives
import Roll
import TestSupport
import Testing

@testable import Collector

@Suite struct GroupedExpositionTests {
  @Test func `families of many pods are contiguous`() throws {
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let body = """
      # HELP container_b Second.
      # TYPE container_b gauge
      container_b{container="web"} 1
      # HELP container_a_total First, with \\\\ and \\x.
      # TYPE container_a_total counter
      container_a_total{container="web",id="/x"} 2 1795218028337
      container_a_total{container="",id="/"} 3
      go_goroutines 7

      """
    for pod in ["web-0", "web-1"] {
      let ingested = try ingest(body, [rollEntry("shop/\(pod)/web", id: "")], sharing: cache)
      cache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: pod), of: "n")
    }
    let labels = { (pod: String) in "namespace=\"shop\",pod=\"\(pod)\",node=\"n\"" }
    #expect(
      cache.snapshot()?.text == """
        # HELP container_a_total First, with \\\\ and \\\\x.
        # TYPE container_a_total counter
        container_a_total{container="web",id="/x",\(labels("web-0"))} 2 1795218028337
        container_a_total{container="",id="/",\(labels("web-0"))} 3
        container_a_total{container="web",id="/x",\(labels("web-1"))} 2 1795218028337
        container_a_total{container="",id="/",\(labels("web-1"))} 3
        # HELP container_b Second.
        # TYPE container_b gauge
        container_b{container="web",\(labels("web-0"))} 1
        container_b{container="web",\(labels("web-1"))} 1

        """)
    #expect(cache.shapes.count == 1)
  }

  @Test
  func `R43: old names are translated, missing names and IDs added, and false claims renamed`() throws {
    let id = String(repeating: "0123456789abcdef", count: 4)
    let container = RollEntry(
      reference: ContainerReference(namespace: "shop", pod: "web-0", container: "web"), podUID: "u", containerID: id, hostNetwork: false)
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let body = """
      container_a{container_name="web",pod_name="web-0"} 1
      container_a{id="/kubepods/pod1/\(id)"} 2
      container_a{id="/system.slice/cri-containerd-\(id).scope",name=""} 3
      container_a{container="web",pod="other",namespace="kube-system",node="mine"} 4

      """
    let ingested = try ingest(body, [container], sharing: cache)
    cache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "n")
    #expect(
      cache.snapshot()?.text == """
        container_a{container="web",pod="web-0",name="\(id)",id="/\(id)",namespace="shop",node="n"} 1
        container_a{id="/kubepods/pod1/\(id)",container="web",namespace="shop",pod="web-0",name="\(id)",node="n"} 2
        container_a{id="/system.slice/cri-containerd-\(id).scope",name="\(id)",container="web",namespace="shop",pod="web-0",node="n"} 3
        container_a{container="web",exported_pod="other",exported_namespace="kube-system",exported_node="mine",\
        namespace="shop",pod="web-0",node="n"} 4

        """)
  }

  @Test
  func `a missing image is that of the Pod`() throws {
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let entries = [rollEntry("shop/web-0/log"), rollEntry("shop/web-0/web"), rollEntry("shop/web-0/job")]
    let body = """
      container_a{container="web",id="/w",name="w"} 1
      container_a{container="log",id="/l",image="",name="l"} 2
      container_a{container="log",id="/m",image="the body's own",name="m"} 3
      container_a{container="job",id="/j",name="j"} 4
      container_a{container="POD",id="/p"} 5

      """
    let images = ["log": "docker.io/tools/log:2", "web": "shop/\"web\":1"]
    let ingested = try ingest(body, entries, sharing: cache, images: images)
    cache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "n")
    let whose = #"namespace="shop",pod="web-0",node="n""#
    #expect(
      cache.snapshot()?.text == """
        container_a{container="web",id="/w",name="w",image="shop/\\"web\\":1",\(whose)} 1
        container_a{container="log",id="/l",image="docker.io/tools/log:2",name="l",\(whose)} 2
        container_a{container="log",id="/m",image="the body's own",name="m",\(whose)} 3
        container_a{container="job",id="/j",name="j",\(whose)} 4
        container_a{container="POD",id="/p",\(whose)} 5

        """)
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func `every sample is served once, grouped by family`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    var expected: [String] = []
    for pod in 0..<Int.random(in: 1...12, using: &random) {
      let body = randomBody(using: &random)
      let container = rollEntry("shop/web-\(pod)/web", ip: nil)
      let ingested = try ingest(body, [container], sharing: cache)
      cache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: "web-\(pod)"), of: "n")
      var rewriter = ExpositionRewriter(PlainRule(labels: PodLabels(node: "n", entries: [container], isOfOnePod: true)))
      var output: [UInt8] = []
      try Array(body.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
      expected += String(decoding: output, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }
    let served = try #require(cache.snapshot()).text
    let lines = served.split(separator: "\n").map(String.init)
    #expect(lines.filter { !$0.hasPrefix("#") }.sorted() == expected.sorted())
    // Each family is announced once, and its samples are contiguous.
    let announced = lines.filter { $0.hasPrefix("# TYPE ") }
    #expect(announced.count == Set(announced.map { $0.split(separator: " ")[2] }).count)
    let names = lines.filter { !$0.hasPrefix("#") }.map { line in
      String(line.prefix { $0 != "{" }).replacing("_sum", with: "").replacing("_count", with: "")
    }
    let runs = zip([""] + names, names).count { $0 != $1 }
    #expect(runs == Set(names).count)
    _ = try parsedSamples(Array(served.utf8))
  }

  @Test func `long numbers, many times and long lines are preserved`() throws {
    let long = "0." + String(repeating: "0", count: 400) + "1"
    let wide = String(repeating: "x", count: 4000)
    var body = "container_long{container=\"web\",a=\"\(wide)\",b=\"\(wide)\"} \(long)\n"
    for index in 0..<600 { body += "container_times{container=\"web\",i=\"\(index)\"} \(index) \(1_795_218_000_000 + index)\n" }
    // More than one chunk of 256 KB.
    for index in 0..<100 { body += "container_wide{container=\"web\",i=\"\(index)\",a=\"\(wide)\"} 1\n" }
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let ingested = try ingest(body, [rollEntry("shop/web-0/web", id: "")], sharing: cache)
    cache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "n")
    let labels = ",namespace=\"shop\",pod=\"web-0\",node=\"n\"}"
    #expect(cache.snapshot()?.text == body.replacing("\"} ", with: "\"\(labels) ").replacing("\"\"", with: "\""))
  }

  @Test func `R44: stale scrapes, and those of deleted pods, are not served`() throws {
    let time = ManualCollectorClock()
    let cache = VirtualScrapeCache(stalenessLimit: .seconds(60), clock: time.clock)
    #expect(cache.snapshot(of: "n") == nil)
    let ingested = try ingest("container_a{container=\"web\"} 1\n", [rollEntry("shop/web-0/web", id: "")], sharing: cache)
    for pod in ["web-0", "web-1"] { cache.store(ingested.scrape, VirtualScrapeCache.Key(namespace: "shop", pod: pod), of: "n") }
    time.advance(by: .seconds(60))
    #expect(cache.snapshot(of: "n")?.scrapeCount == 2)
    cache.retain([VirtualScrapeCache.Key(namespace: "shop", pod: "web-1")], of: "n")
    #expect(cache.snapshot(of: "n")?.scrapeCount == 1)
    time.advance(by: .milliseconds(1))
    #expect(cache.snapshot(of: "n")?.scrapeCount == 0)
    cache.forget("n")
    #expect(cache.snapshot(of: "n") == nil)
  }

  private func randomBody(using random: inout SplitMix64) -> String {
    let families = ["container_a", "container_b_total", "container_c_seconds", "container_d"]
    let sets = (0..<Int.random(in: 1...5, using: &random)).map { index in
      "{container=\"web\",id=\"/\(Int.random(in: 0..<3, using: &random))\",i=\"\(index)\",e=\"q\\\"}\"}"
    }
    var body = ""
    for (number, family) in families.shuffled(using: &random).enumerated() {
      if Bool.random(using: &random) { body += "# HELP \(family) Help of \(family).\n" }
      let isHistogram = family.hasSuffix("seconds")
      if isHistogram || Bool.random(using: &random) { body += "# TYPE \(family) \(isHistogram ? "histogram" : "gauge")\n" }
      for suffix in isHistogram ? ["_sum", "_count"] : [""] {
        for set in sets where Bool.random(using: &random) {
          body += "\(family)\(suffix)\(set) \(Int.random(in: 0..<1000, using: &random))"
          body += Bool.random(using: &random) ? " \(1_795_218_000_000 + number)\n" : "\n"
        }
      }
    }
    // A family may occur again later in the body.
    if Bool.random(using: &random) { body += "container_d{again=\"1\"} 5\n" }
    return body
  }
}

private struct PlainRule: LabelRule {
  let labels: PodLabels

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .keep(0) }
  func rewrite(_ set: inout LabelBuilder, treatment: UInt8) { _ = labels.rewrite(&set) }
}
