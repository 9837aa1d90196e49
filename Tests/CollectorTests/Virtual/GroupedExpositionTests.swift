import Exposition
import Roll
import TestSupport
import Testing

@testable import Collector

@Suite struct GroupedExpositionTests {
  @Test func familiesOfManyPodsStandTogether() throws {
    let pages = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let page = """
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
      let taken = try intake(page, [entry("shop/\(pod)/web", id: "")], pages: pages)
      pages.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: pod), of: "n")
    }
    let labels = { (pod: String) in "namespace=\"shop\",pod=\"\(pod)\",node=\"n\"" }
    #expect(
      pages.snapshot()?.text == """
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
    #expect(pages.shapes.count == 1)
  }

  @Test("R43: old names are translated, containers named by their ID and the other way round, and what a pod claims to be is moved away")
  func labelsAreThoseOfAKubelet() throws {
    let id = String(repeating: "0123456789abcdef", count: 4)
    let container = RollEntry(
      reference: ContainerReference(namespace: "shop", pod: "web-0", container: "web"), podUID: "u", containerID: id, hostNetwork: false)
    let pages = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let page = """
      container_a{container_name="web",pod_name="web-0"} 1
      container_a{id="/kubepods/pod1/\(id)"} 2
      container_a{id="/system.slice/cri-containerd-\(id).scope",name=""} 3
      container_a{container="web",pod="other",namespace="kube-system",node="mine"} 4

      """
    let taken = try intake(page, [container], pages: pages)
    pages.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "n")
    #expect(
      pages.snapshot()?.text == """
        container_a{container="web",pod="web-0",name="\(id)",id="/\(id)",namespace="shop",node="n"} 1
        container_a{id="/kubepods/pod1/\(id)",container="web",namespace="shop",pod="web-0",name="\(id)",node="n"} 2
        container_a{id="/system.slice/cri-containerd-\(id).scope",name="\(id)",container="web",namespace="shop",pod="web-0",node="n"} 3
        container_a{container="web",exported_pod="other",exported_namespace="kube-system",exported_node="mine",\
        namespace="shop",pod="web-0",node="n"} 4

        """)
  }

  @Test("a container's image is that of the Pod where the page says none")
  func imagesAreFilledIn() throws {
    let pages = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let entries = [entry("shop/web-0/log"), entry("shop/web-0/web"), entry("shop/web-0/job")]
    let page = """
      container_a{container="web",id="/w",name="w"} 1
      container_a{container="log",id="/l",image="",name="l"} 2
      container_a{container="log",id="/m",image="the page's own",name="m"} 3
      container_a{container="job",id="/j",name="j"} 4
      container_a{container="POD",id="/p"} 5

      """
    let images = ["log": "docker.io/tools/log:2", "web": "shop/\"web\":1"]
    let taken = try intake(page, entries, pages: pages, images: images)
    pages.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "n")
    let whose = #"namespace="shop",pod="web-0",node="n""#
    #expect(
      pages.snapshot()?.text == """
        container_a{container="web",id="/w",name="w",image="shop/\\"web\\":1",\(whose)} 1
        container_a{container="log",id="/l",image="docker.io/tools/log:2",name="l",\(whose)} 2
        container_a{container="log",id="/m",image="the page's own",name="m",\(whose)} 3
        container_a{container="job",id="/j",name="j",\(whose)} 4
        container_a{container="POD",id="/p",\(whose)} 5

        """)
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func everySampleComesOutOnceAndGrouped(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let pages = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    var expected: [String] = []
    for pod in 0..<Int.random(in: 1...12, using: &random) {
      let page = randomPage(using: &random)
      let container = entry("shop/web-\(pod)/web", ip: nil)
      let taken = try intake(page, [container], pages: pages)
      pages.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: "web-\(pod)"), of: "n")
      var rewriter = ExpositionRewriter(PlainRule(labels: PodLabels(node: "n", entries: [container], isOfOnePod: true)))
      var output: [UInt8] = []
      try Array(page.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
      expected += String(decoding: output, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
    }
    let served = try #require(pages.snapshot()).text
    let lines = served.split(separator: "\n").map(String.init)
    #expect(lines.filter { !$0.hasPrefix("#") }.sorted() == expected.sorted())
    // Each name is announced once, and its samples are in one run.
    let announced = lines.filter { $0.hasPrefix("# TYPE ") }
    #expect(announced.count == Set(announced.map { $0.split(separator: " ")[2] }).count)
    let names = lines.filter { !$0.hasPrefix("#") }.map { line in
      String(line.prefix { $0 != "{" }).replacing("_sum", with: "").replacing("_count", with: "")
    }
    let runs = zip([""] + names, names).count { $0 != $1 }
    #expect(runs == Set(names).count)
    try scanExposition(Array(served.utf8), refusesDuplicates: true) { _, _ in }
  }

  @Test func numbersTimesAndLinesOfEverySizeSurvive() throws {
    let long = "0." + String(repeating: "0", count: 400) + "1"
    let wide = String(repeating: "x", count: 4000)
    var page = "container_long{container=\"web\",a=\"\(wide)\",b=\"\(wide)\"} \(long)\n"
    for index in 0..<600 { page += "container_times{container=\"web\",i=\"\(index)\"} \(index) \(1_795_218_000_000 + index)\n" }
    // More than one chunk of 256 KB.
    for index in 0..<100 { page += "container_wide{container=\"web\",i=\"\(index)\",a=\"\(wide)\"} 1\n" }
    let pages = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    let taken = try intake(page, [entry("shop/web-0/web", id: "")], pages: pages)
    pages.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "n")
    let labels = ",namespace=\"shop\",pod=\"web-0\",node=\"n\"}"
    #expect(pages.snapshot()?.text == page.replacing("\"} ", with: "\"\(labels) ").replacing("\"\"", with: "\""))
  }

  @Test("R44: pages that are older than the setting, or of pods that are gone, are not served") func pagesThatAreOldOrGone() throws {
    let stale = VirtualScrapeCache(stalenessLimit: .zero - .seconds(1))
    let taken = try intake("container_a{container=\"web\"} 1\n", [entry("shop/web-0/web", id: "")], pages: stale)
    stale.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: "web-0"), of: "n")
    #expect(stale.snapshot()?.pageCount == 0)

    let pages = VirtualScrapeCache(stalenessLimit: .seconds(3600))
    #expect(pages.snapshot(of: "n") == nil)
    for pod in ["web-0", "web-1"] { pages.store(taken.page, VirtualScrapeCache.Key(namespace: "shop", pod: pod), of: "n") }
    pages.retain([VirtualScrapeCache.Key(namespace: "shop", pod: "web-1")], of: "n")
    #expect(pages.snapshot(of: "n")?.pageCount == 1)
    pages.forget("n")
    #expect(pages.snapshot(of: "n") == nil)
  }

  private func randomPage(using random: inout SplitMix) -> String {
    let families = ["container_a", "container_b_total", "container_c_seconds", "container_d"]
    let sets = (0..<Int.random(in: 1...5, using: &random)).map { index in
      "{container=\"web\",id=\"/\(Int.random(in: 0..<3, using: &random))\",i=\"\(index)\",e=\"q\\\"}\"}"
    }
    var page = ""
    for (number, family) in families.shuffled(using: &random).enumerated() {
      if Bool.random(using: &random) { page += "# HELP \(family) Help of \(family).\n" }
      let isHistogram = family.hasSuffix("seconds")
      if isHistogram || Bool.random(using: &random) { page += "# TYPE \(family) \(isHistogram ? "histogram" : "gauge")\n" }
      for suffix in isHistogram ? ["_sum", "_count"] : [""] {
        for set in sets where Bool.random(using: &random) {
          page += "\(family)\(suffix)\(set) \(Int.random(in: 0..<1000, using: &random))"
          page += Bool.random(using: &random) ? " \(1_795_218_000_000 + number)\n" : "\n"
        }
      }
    }
    // A family that comes back: its samples are brought together.
    if Bool.random(using: &random) { page += "container_d{again=\"1\"} 5\n" }
    return page
  }
}

private struct PlainRule: LabelRule {
  let labels: PodLabels

  func treatment(ofFamily name: UnsafeRawBufferPointer) -> FamilyTreatment { .keep(0) }
  func rewrite(_ set: inout LabelBuilder, treatment: UInt8) { _ = labels.rewrite(&set) }
}

extension VirtualSnapshot {
  /// The page as it is served.
  var text: String {
    var text = GroupedExposition(self)
    var bytes: [UInt8] = []
    while text.withNextChunk({ bytes.append(contentsOf: $0) }) != nil {}
    return String(decoding: bytes, as: UTF8.self)
  }
}

func intake(
  _ page: String, _ entries: [RollEntry], _ freshness: Freshness = Freshness(limit: .seconds(60)),
  pages: VirtualScrapeCache = VirtualScrapeCache(stalenessLimit: .seconds(60)), images: [String: String] = [:]
) throws(ExpositionError) -> (page: CachedScrape, facts: CadvisorFindings) {
  var intake = ScrapeIngest(settings: VirtualSettings())
  return try intake.take(
    Array(page.utf8), labels: PodLabels(node: "n", entries: entries, images: { _ in images }, isOfOnePod: true), freshness,
    sharing: pages.shapes)
}
