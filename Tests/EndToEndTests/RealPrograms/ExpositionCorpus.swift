import Exposition
import Primitives

/// Expositions that are valid, invalid, and on the edge, each with one peculiarity.
enum ExpositionCorpus {
  struct Case: Sendable {
    var body: [UInt8]
    var format: ExpositionFormat = .text
  }

  static func cases(mutations: Int) -> [Case] {
    let text = labelNames + labelValues + numbers + timestamps + lines + comments
    var random = SplitMix64(seed: 94)
    let mutated = (0..<mutations).map { _ in Case(body: mutatedBody(&random)) }
    return text.map { Case(body: Array($0.utf8)) } + bytes.map { Case(body: $0) } + mutated
      + openMetrics.map { Case(body: Array($0.utf8), format: .openMetrics) }
  }

  private static let labelNames = [
    "__name__", "__name", "__name___", "__address__", "__meta_x", "__param_node", "__tmp", "__", "_", "job", "instance", "le", "quantile",
    "exported_job", "a1", "A", "1a", "a-b", "a:b", ":", "a.b", "ü", "", "a b", "\"a\"", "\"a.b\"", "\"\"", "\"__name__\"", "\"ü\"",
    "\"a\\\"b\"",
  ].flatMap { ["m{\($0)=\"up\"} 1\n", "m{x=\"1\",\($0)=\"up\"} 1\n", "m{\($0)=\"1\",\($0)=\"2\"} 1\n", "m{\($0)=\"\"} 1\n"] }

  private static let labelValues = [
    "", "a", "C:\\\\dir", "C:\\dir", "\\n", "\\\"", "\\t", "\\x41", "\\u0041", "\\ü", "\\", "}", "{", ",", "=", "#", "ü", "\u{1F600}",
    "a\tb",
    "a\rb", "\u{0}", "\u{FEFF}", "+Inf", " ", "\\\\n", "\\\\\\n", "\\'",
  ].map { "m{p=\"\($0)\"} 1\n" }

  private static let numbers = [
    "0", "-0", "+0", "1.", ".5", "+.5", "-.5", ".", "+", "-", "", "1e3", "1E3", "1e+3", "1e-3", "1e", "1e+", "e3", "0x10", "0X1p3",
    "0x1p-2",
    "1p3", "1_000", "1_0.5", "0b1", "0o7", "017", "1,5", "1 000", "NaN", "nan", "NAN", "+NaN", "-NaN", "nan(1)", "Inf", "inf", "INF",
    "+Inf",
    "-Inf", "Infinity", "-infinity", "+INFINITY", "infinit", "1e308", "1e309", "-1e309", "1e-400", "4.9e-324", "9007199254740993",
    "123456789012345678901234567890", "1.7976931348623157e308", "one", "1f", "1d", "0.1.2", "--1", "+-1", "\"1\"", "{1}", "1{", "1}", "1#",
    "1\r",
    "{count:1,sum:2,schema:0}", "\u{B1}1", "٣",
  ].flatMap { ["m \($0)\n", "m{a=\"b\"} \($0)\n", "m{a=\"b\"}\($0)\n", "m\($0)\n"] }

  /// The present is far from all of these: only whether Prometheus accepts the body can be compared, and it does not store most samples.
  private static let timestamps = [
    "0", "1", "-1", "+1", "-0", "1.5", "1e3", "1e12", "NaN", "Inf", "0x10", "1_000", "00000000000000001", "1395066363", "1395066363000",
    "1395066363000000", "99999999999999", "253402300799999", "253402300800000", "9223372036854775807", "9223372036854775808",
    "99999999999999999999",
    "-9223372036854775808", "now", "5 5", "5 #", "5\t", " 5", "5\r", "",
  ].map { "m 1 \($0)\n" }

  private static let lines = [
    "", "\n", "\n\n", " \n", "\t\n", "\r\n", "m 1", "m 1\nn 2", " m 1\n", "\tm\t1\t\n", "m  1  \n", "m 1\n\nn 2\n", "m 1\r\n", "m 1\rn 2\n",
    "m{} 1\n",
    "m {} 1\n", "m{}1\n", "m{a=\"b\"}1\n", "m{a=\"b\",} 1\n", "m{a=\"b\",,} 1\n", "m{,} 1\n", "m{,a=\"b\"} 1\n",
    "m{ a = \"b\" , c = \"d\" } 1\n",
    "m{a=\"b\" c=\"d\"} 1\n", "m{a=\"b\"c=\"d\"} 1\n", "m{a=\"b\"c=\"d\",} 1\n", "m{a=b} 1\n", "m{a='b'} 1\n", "m{a} 1\n", "m{a=} 1\n",
    "m{=\"b\"} 1\n",
    "m{a=\"b\" 1\n", "m{a=\"b} 1\n", "m a=\"b\" 1\n", "m{a=\"b\"}{c=\"d\"} 1\n", "m[a] 1\n", "m(a) 1\n", "m\n", "m \n", "m{}\n", "{} 1\n",
    "{a=\"b\"} 1\n",
    "{__name__=\"m\"} 1\n", "{\"m\"} 1\n", "{\"m\",a=\"b\"} 1\n", "{a=\"b\",\"m\"} 1\n", "{\"m.n\",\"a.b\"=\"c\"} 1\n", "{\"m\",\"n\"} 1\n",
    "m{\"n\"} 1\n",
    "{\"m\" a=\"b\"} 1\n", "{\"\"} 1\n", "\"m\" 1\n", "m1 1\n", "1m 1\n", "m.n 1\n", "m-n 1\n", "m:n 1\n", ":m 1\n", "_ 1\n", "ü 1\n",
    "mü 1\n", "m+1\n",
    "m 1 # {a=\"b\"} 0.5\n", "m 1 5 # {a=\"b\"} 0.5\n", "m 1 #\n", "m 1;\n", "m_created 1\n", "m_total 1\nm_created 2\n",
    "m_bucket{le=\"1\"} 1\nm_bucket{le=\"1.0\"} 1\n", "m 1\nm 1\n", "m 1\nm 2\n", "m{a=\"b\",c=\"d\"} 1\nm{c=\"d\",a=\"b\"} 2\n",
    "m 1\nn 1\nm{a=\"b\"} 1\n", "<html><body>It works!</body></html>\n", "{\"error\": \"no\"}\n", "null\n", "m 1\n\u{FEFF}n 1\n",
    "\u{FEFF}m 1\n",
  ]

  private static let comments = [
    "#\n", "# \n", "# a comment", "#a\n", "# EOF\n", "# EOF\nm 1\n", "# UNIT m seconds\nm 1\n", "# HELP\n", "# HELP \n", "# HELP m\n",
    "# HELP m \n",
    "# HELP m\ttext\n", "# HELP m text\\nmore\\\\ \\x\n", "# HELP 1m text\n", "# HELP m-n text\n", "# HELP \"m\" text\n",
    "# HELP \"m.n\" text\n", "#HELP m text\n",
    "#HELP 1m text\n", "# help 1m text\n", "# HELPx 1m\n", "#\tHELP\tm\ttext\n", "# HELP m text\r\n", "# TYPE\n", "# TYPE \n", "# TYPE m\n",
    "# TYPE m \n",
    "# TYPE m counter\n", "# TYPE m\tcounter\n", "# TYPE m  counter\n", "# TYPE m counter \n", "# TYPE m Counter\n", "# TYPE m counter x\n",
    "# TYPE m counter\r\n", "# TYPE m gauge\n", "# TYPE m histogram\n", "# TYPE m summary\n", "# TYPE m untyped\n", "# TYPE m unknown\n",
    "# TYPE m info\n",
    "# TYPE m stateset\n", "# TYPE m gaugehistogram\n", "# TYPE m{counter\n", "#TYPE m speed\n", "# TYPE 1m counter\n",
    "# TYPE \"m\" counter\n", "# TYPE m counter",
    "m 1\n# TYPE m counter\nm{a=\"b\"} 1\n", "# TYPE m counter\n# TYPE m gauge\nm 1\n", "# HELP m a\n# HELP m b\nm 1\n",
    "# TYPE m counter\nn 1\n",
    "# TYPE m histogram\nm_bucket{le=\"x\"} 1\nm_sum 2\n", "# TYPE m summary\nm{quantile=\"0.50\"} 1\n",
  ].flatMap { [$0, $0.hasSuffix("\n") ? $0 + "z 1\n" : $0] }

  private static let openMetrics = [
    "", "# EOF", "# EOF\n", "# EOF \n", "# EOF\n\n", "# EOF\nm 1\n", "m 1\n", "m 1", "m 1\n# EOF\n", "m 1\n# EOF", "m  1\n# EOF\n",
    " m 1\n# EOF\n",
    "m 1 \n# EOF\n", "m\t1\n# EOF\n", "\n# EOF\n", "m 1\n\n# EOF\n", "# a comment\n# EOF\n", "#\n# EOF\n", "m 1\r\n# EOF\n",
    "m{} 1\n# EOF\n", "m {} 1\n# EOF\n",
    "m{a=\"b\"} 1\n# EOF\n", "m{a=\"b\"}1\n# EOF\n", "m{a=\"b\",} 1\n# EOF\n", "m{,} 1\n# EOF\n", "m{a=\"b\", c=\"d\"} 1\n# EOF\n",
    "m{a=\"b\"c=\"d\"} 1\n# EOF\n",
    "m{a=\"C:\\dir\"} 1\n# EOF\n", "m{a=\"b\nc\"} 1\n# EOF\n", "m{__name__=\"n\"} 1\n# EOF\n", "m{a=\"1\",a=\"2\"} 1\n# EOF\n",
    "m 1 1395066363\n# EOF\n",
    "m 1 1395066363.5\n# EOF\n", "m 1 -1\n# EOF\n", "m 1 1e9\n# EOF\n", "m 1 1e300\n# EOF\n", "m 1 NaN\n# EOF\n", "m 1 Inf\n# EOF\n",
    "m 1 0x1p3\n# EOF\n",
    "m 1 1_0\n# EOF\n", "m 1 now\n# EOF\n", "m 1 5 5\n# EOF\n", "m_total 1 # {a=\"b\"} 0.5\n# EOF\n",
    "m_total 1 # {a=\"b\"} 0.5 1.5\n# EOF\n",
    "m_total 1 5 # {} 0.5\n# EOF\n", "m_total 1 # {a=\"b\"}\n# EOF\n", "m_total 1 # {a=\"b\"} x\n# EOF\n",
    "m_total 1 # {a=\"b\"} 1 NaN\n# EOF\n",
    "m_total 1 # {a=b} 1\n# EOF\n", "m_total 1 #{a=\"b\"} 1\n# EOF\n", "m_total 1  # {a=\"b\"} 1\n# EOF\n", "m 1 # {a=\"b\"} 0.5\n# EOF\n",
    "{\"m.n\"} 1\n# EOF\n",
    "m{\"a.b\"=\"c\"} 1\n# EOF\n", "# HELP m\n# EOF\n", "# HELP m \n# EOF\n", "# HELP m text\n# EOF\n", "# HELP  m text\n# EOF\n",
    "# HELP 1m text\n# EOF\n",
    "# TYPE m counter\nm_total 1\nm_created 2\n# EOF\n", "# TYPE m untyped\n# EOF\n", "# TYPE m unknown\n# EOF\n", "# TYPE m info\n# EOF\n",
    "# TYPE m stateset\n# EOF\n", "# TYPE m gaugehistogram\n# EOF\n", "# TYPE m speed\n# EOF\n", "# TYPE m counter \n# EOF\n",
    "# UNIT m_seconds seconds\n# EOF\n",
    "# UNIT m seconds\n# EOF\n", "# UNIT seconds seconds\n# EOF\n", "# UNIT m_seconds \n# EOF\n", "# UNIT m_seconds\n# EOF\n",
    "m 0x10\n# EOF\n", "m nan\n# EOF\n",
    "m 1_0\n# EOF\n", "m {count:1}\n# EOF\n",
  ]

  /// Bodies that are not UTF-8.
  private static let bytes: [[UInt8]] = [
    "m{p=\"?\"} 1\n", "# HELP m ?\n", "# HELP m?text\n", "# TYPE m?counter\n", "# ?\n", "#?\n", "m? 1\n", "m ?\n", "m 1 ?\n", "m 1\n?",
  ].flatMap { template in
    [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0]].map { bad in template.utf8.flatMap { $0 == UInt8(ascii: "?") ? bad : [$0] } }
  }

  private static let mutated = Array(
    #"""
    # HELP a_total The first, with \\ and \n and ü.
    # TYPE a_total counter
    a_total{id="/x",p="C:\dir",q="a \"b\" \\ \n"} 12.5
    a_total{id="/y}",e=""} 1e+09
    # TYPE b histogram
    b_bucket{le="1.5"} 9
    b_bucket{le="+Inf"} 10
    b_sum NaN
    c -Inf

    """#.utf8)
  private static let oddBytes = Array("\n\t \"\\{},=#+-.eE0NaInf_:\r".utf8) + [0x7F, 0x80, 0xC3]

  private static func mutatedBody(_ random: inout SplitMix64) -> [UInt8] {
    var body = mutated
    for _ in 0..<Int.random(in: 1...2, using: &random) {
      let index = Int.random(in: 0..<body.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: body[index] = oddBytes.randomElement(using: &random) ?? 0x20
      case 1: body.insert(oddBytes.randomElement(using: &random) ?? 0x20, at: index)
      case 2: body.removeSubrange(index..<min(body.count, index + Int.random(in: 1...3, using: &random)))
      default: body.insert(contentsOf: body[index..<min(body.count, index + 6)], at: index)
      }
    }
    return body
  }
}
