import Primitives
import TestSupport
import Testing

@testable import Exposition

@Suite(.ownThread) struct ExpositionRewriterTests {
  private static let body = """
    # HELP a_total Things.
    # TYPE a_total counter
    a_total{id="/x",pod_name="p",node="other"} 12.5 1795218028337
    a_total{id="/y}",pod="",note="a \\"b\\" \\\\ \\n ü"} 1e+09
    # HELP drop_me Not wanted.
    # TYPE drop_me gauge
    drop_me{id="/x"} 1
    # TYPE b histogram
    b_bucket{le="+Inf",node="x",exported_node="y"} 9
    b_sum NaN
    drop_bare 4
    c -Inf
    d{} 7
    # EOF

    """

  private static let rewrittenBody = """
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

  @Test func `labels are renamed, filled in and overridden`() throws {
    #expect(try rewritten(Array(Self.body.utf8)) == Self.rewrittenBody)
  }

  @Test(arguments: [[0xC3], [0x7B]] as [[UInt8]])
  func `R94: the character between a name and its help text is no part of the text`(separator: [UInt8]) throws {
    let body = Array("# HELP d".utf8) + separator + Array("text\nd{} 1\n".utf8)
    #expect(try rewritten(body) == "# HELP d text\nd{pod=\"web-0\",node=\"n \\\"1\\\"\"} 1\n")
  }

  @Test func `chunks may end anywhere`() throws {
    let body = Array(Self.body.utf8)
    for cut in 0...body.count {
      #expect(try rewritten(body, cuts: [cut]) == Self.rewrittenBody, "cut at \(cut)")
    }
    #expect(try rewritten(body, cuts: Array(1..<body.count)) == Self.rewrittenBody)
  }

  @Test func `timestamps are dropped unless kept`() throws {
    var rewriter = ExpositionRewriter(SampleRule(), keepsTimestamps: false)
    var output: [UInt8] = []
    rewriter.begin()
    try Array("a{pod=\"p\"} 1 1795218028337\n".utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    try rewriter.finish(into: &output)
    #expect(String(decoding: output, as: UTF8.self) == "a{pod=\"p\",node=\"n \\\"1\\\"\"} 1\n")
  }

  @Test(arguments: 0..<40 as Range<UInt64>)
  func `a random body is rewritten as by the naive rewriter`(seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    var rewriter = ExpositionRewriter(SampleRule())
    for _ in 0..<25 {
      let body = RandomBody.bytes(using: &random)
      let cuts = (0..<Int.random(in: 0...4, using: &random)).map { _ in Int.random(in: 0...body.count, using: &random) }.sorted()
      #expect(try rewritten(body, cuts: cuts, with: &rewriter) == naivelyRewritten(body), "\(String(decoding: body, as: UTF8.self))")
    }
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func `R43: a damaged body is rejected if the oracle rejects it`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var rewriter = ExpositionRewriter(SampleRule())
    var rejected = 0
    for _ in 0..<200 {
      var body = RandomBody.bytes(using: &random)
      for _ in 0..<Int.random(in: 1...3, using: &random) { RandomBody.damage(&body, using: &random) }
      let cuts = [Int.random(in: 0...body.count, using: &random)]
      let isValid = (try? LineScanner.samples(body)) != nil
      let isAccepted = (try? rewritten(body, cuts: cuts, with: &rewriter)) != nil
      #expect(isAccepted == isValid, "\(String(decoding: body, as: UTF8.self))")
      rejected += isValid ? 0 : 1
    }
    #expect(rejected > 20)
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
  func `R43: duplicate series are found after rewriting`(body: String, isDuplicate: Bool) {
    var rewriter = ExpositionRewriter(SampleRule(), rejectsDuplicates: true)
    var output: [UInt8] = []
    rewriter.begin()
    let isRejected = (try? Array(body.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }) == nil
    #expect(isRejected == isDuplicate)
  }

  @Test(arguments: [
    (ExpositionLimits(bytes: 30), "a 1\na 2\na 3\na 4\na 5\na 6\na 7\na 8\n"),
    (ExpositionLimits(series: 2), "a 1\nb 2\nc 3\n"),
    (ExpositionLimits(labels: 2), "a{b=\"\",c=\"\",d=\"\"} 1\n"),
    (ExpositionLimits(labelLength: 4), "a{b=\"12345\"} 1\n"),
    (ExpositionLimits(labelLength: 4), "a{bcdef=\"\"} 1\n"),
    (ExpositionLimits(labelLength: 4), "abcde 1\n"),
  ])
  func `R40: a body that exceeds a limit is rejected`(limits: ExpositionLimits, body: String) {
    var rewriter = ExpositionRewriter(SampleRule(), limits: limits)
    var output: [UInt8] = []
    rewriter.begin()
    #expect {
      try Array(body.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    } throws: { error in
      if case .tooLarge? = error as? ExpositionError { true } else { false }
    }
  }

  @Test func `the last line needs no line feed`() throws {
    #expect(try rewritten(Array("a{pod=\"p\"} 1".utf8)) == "a{pod=\"p\",node=\"n \\\"1\\\"\"} 1\n")
  }

  @Test func `R95: OpenMetrics becomes the text format, with legacy names`() throws {
    var rewriter = ExpositionRewriter(SampleRule())
    var output: [UInt8] = []
    rewriter.begin(.openMetrics)
    let body = """
      # TYPE "queue.depth" unknown
      {"queue.depth","tier.name"="hot",tier_name="x"} 3 1795218028
      old{pod="p"} 1 -5
      # HELP a Things.
      # TYPE a counter
      a_total{pod="p"} 1
      a_created{pod="p"} 2
      a_total{pod="q"} 3
      # EOF
      """
    try Array(body.utf8).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    try rewriter.finish(into: &output)
    #expect(
      String(decoding: output, as: UTF8.self) == """
        # TYPE queue_depth untyped
        queue_depth{U__tier_2e_name="hot",tier_name="x",pod="web-0",node="n \\\"1\\\""} 3 1795218028000
        # HELP a_total Things.
        # TYPE a_total counter
        a_total{pod="p",node="n \\\"1\\\""} 1
        a_created{pod="p",node="n \\\"1\\\""} 2
        a_total{pod="q",node="n \\\"1\\\""} 3

        """)
  }

  private func rewritten(_ body: [UInt8], cuts: [Int] = []) throws -> String {
    var rewriter = ExpositionRewriter(SampleRule())
    return try rewritten(body, cuts: cuts, with: &rewriter)
  }

  private func rewritten(_ body: [UInt8], cuts: [Int], with rewriter: inout ExpositionRewriter<SampleRule>) throws -> String {
    var output: [UInt8] = []
    rewriter.begin()
    for (start, end) in zip([0] + cuts, cuts + [body.count]) {
      // Copies the chunk, so that a sanitizer detects reads past its end.
      try Array(body[start..<end]).withUnsafeBytes { try rewriter.rewrite($0, into: &output) }
    }
    try rewriter.finish(into: &output)
    return String(decoding: output, as: UTF8.self)
  }
}
