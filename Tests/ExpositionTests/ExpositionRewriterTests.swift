import TestSupport
import Testing

@testable import Exposition

@Suite struct ExpositionRewriterTests {
  private static let page = """
    # HELP a_total Things.
    # TYPE a_total counter
    a_total{id="/x",pod_name="p",node="other"} 12.5 1795218028337
    a_total{id="/y}",pod="",note="a \\"b\\" \\\\ \\n ü"} 1e+09
    # HELP drop_me Not wanted.
    # TYPE drop_me gauge
    drop_me{id="/x"} 1
    # TYPE b histogram
    b_bucket{le="+Inf",node="x",exported_node="y"} 9 # {trace="1"} 0.5
    b_sum NaN
    drop_bare 4
    c -Inf
    d{} 7
    # EOF

    """

  private static let wanted = """
    # HELP a_total Things.
    # TYPE a_total counter
    a_total{id="/x",pod="p",exported_node="other",node="n \\"1\\""} 12.5 1795218028337
    a_total{id="/y}",pod="web-0",note="a \\"b\\" \\\\ \\n ü",node="n \\"1\\""} 1e+09
    # TYPE b histogram
    b_bucket{le="+Inf",exported_exported_node="x",exported_node="y",pod="web-0",node="n \\"1\\""} 9
    b_sum{pod="web-0",node="n \\"1\\""} NaN
    c{pod="web-0",node="n \\"1\\""} -Inf
    d{pod="web-0",node="n \\"1\\""} 7

    """

  @Test func labelsAreTranslatedFilledInAndOverridden() throws {
    #expect(try rewritten(Array(Self.page.utf8)) == Self.wanted)
  }

  @Test func wherePagesAreCutMakesNoDifference() throws {
    let page = Array(Self.page.utf8)
    for cut in 0...page.count {
      #expect(try rewritten(page, cuts: [cut]) == Self.wanted, "cut at \(cut)")
    }
    #expect(try rewritten(page, cuts: Array(1..<page.count)) == Self.wanted)
  }

  @Test func timesGoWhereTheyAreNotKept() throws {
    var rewriter = ExpositionRewriter(SampleRule(), keepsTimestamps: false)
    var output: [UInt8] = []
    rewriter.begin()
    try Array("a{pod=\"p\"} 1 1795218028337\n".utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    try rewriter.finish()
    #expect(String(decoding: output, as: UTF8.self) == "a{pod=\"p\",node=\"n \\\"1\\\"\"} 1\n")
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func aRandomPageComesOutAsFromThePlainWay(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    var rewriter = ExpositionRewriter(SampleRule())
    for _ in 0..<25 {
      let page = RandomPage.bytes(using: &random)
      let cuts = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0...page.count, using: &random) }.sorted()
      #expect(try rewritten(page, cuts: cuts, with: &rewriter) == naivelyRewritten(page), "\(String(decoding: page, as: UTF8.self))")
    }
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func aDamagedPageIsRefusedWhereTheScannerRefusesIt_R43(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var rewriter = ExpositionRewriter(SampleRule())
    var refused = 0
    for _ in 0..<200 {
      var page = RandomPage.bytes(using: &random)
      for _ in 0..<Int.random(in: 1...3, using: &random) { RandomPage.damage(&page, using: &random) }
      let cuts = [Int.random(in: 0...page.count, using: &random)]
      let isSound = (try? scanExposition(page) { _, _ in }) != nil
      let isTaken = (try? rewritten(page, cuts: cuts, with: &rewriter)) != nil
      #expect(isTaken == isSound, "\(String(decoding: page, as: UTF8.self))")
      refused += isSound ? 0 : 1
    }
    #expect(refused > 20)
  }

  @Test(arguments: [
    ("a{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 2\n", true),
    ("a{x=\"1\",y=\"\"} 1\na{x=\"1\"} 2\n", true),
    ("a{pod=\"web-0\"} 1\na{pod_name=\"web-0\"} 2\n", true),
    ("a 1\na 2\n", true),
    ("a 1\na{} 2\n", true),
    ("a{x=\"1\"} 1\nb{x=\"1\"} 2\na{x=\"2\"} 1\n", false),
    ("a_bucket{le=\"1\"} 1\na_bucket{le=\"2\"} 1\na_sum{} 1\n", false),
  ])
  func seriesThatComeTwiceAreFound_R43(page: String, isDuplicate: Bool) {
    var rewriter = ExpositionRewriter(SampleRule(), refusesDuplicates: true)
    var output: [UInt8] = []
    rewriter.begin()
    let isRefused = (try? Array(page.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }) == nil
    #expect(isRefused == isDuplicate)
  }

  @Test(arguments: [
    (ExpositionLimits(bytes: 30), "a 1\na 2\na 3\na 4\na 5\na 6\na 7\na 8\n"),
    (ExpositionLimits(series: 2), "a 1\nb 2\nc 3\n"),
    (ExpositionLimits(labels: 2), "a{b=\"\",c=\"\",d=\"\"} 1\n"),
    (ExpositionLimits(labelLength: 4), "a{b=\"12345\"} 1\n"),
    (ExpositionLimits(labelLength: 4), "a{bcdef=\"\"} 1\n"),
    (ExpositionLimits(labelLength: 4), "abcde 1\n"),
  ])
  func whatPassesALimitIsRefused_R40(limits: ExpositionLimits, page: String) {
    var rewriter = ExpositionRewriter(SampleRule(), limits: limits)
    var output: [UInt8] = []
    rewriter.begin()
    #expect {
      try Array(page.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    } throws: { error in
      if case .tooLarge? = error as? ExpositionError { true } else { false }
    }
  }

  @Test func aPageThatEndsWithinALineWasCut() throws {
    var rewriter = ExpositionRewriter(SampleRule())
    var output: [UInt8] = []
    rewriter.begin()
    try Array("a 1\na 2".utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    #expect(throws: ExpositionError.self) { try rewriter.finish() }
  }

  private func rewritten(_ page: [UInt8], cuts: [Int] = []) throws -> String {
    var rewriter = ExpositionRewriter(SampleRule())
    return try rewritten(page, cuts: cuts, with: &rewriter)
  }

  private func rewritten(_ page: [UInt8], cuts: [Int], with rewriter: inout ExpositionRewriter<SampleRule>) throws -> String {
    var output: [UInt8] = []
    rewriter.begin()
    for (start, end) in zip([0] + cuts, cuts + [page.count]) {
      // A copy of its own, so that reading past its end is seen by a sanitizer.
      try Array(page[start..<end]).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    }
    try rewriter.finish()
    return String(decoding: output, as: UTF8.self)
  }
}
