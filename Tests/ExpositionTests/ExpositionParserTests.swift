import TestSupport
import Testing

@testable import Exposition

@Suite struct ExpositionParserTests {
  @Test(arguments: [
    ("", []),
    ("\n \t\n", []),
    ("# a comment\n#\n#x\n# HELP m text with \\\\ and ü\n# TYPE m counter\nm 1\n", [sample("m", 1)]),
    ("m 1\n", [sample("m", 1)]),
    ("m\t1 \n \n\t# TYPE m gauge\n", [sample("m", 1)]),
    ("m{} 1\n", [sample("m", 1)]),
    ("m{a=\"b\"}1\n", [sample("m", ["a": "b"], 1)]),
    ("m{a=\"b\",}1\n", [sample("m", ["a": "b"], 1)]),
    ("m { a = \"b\" , c=\"\" } 1 0\n", [sample("m", ["a": "b", "c": ""], 1, at: 0)]),
    ("m{a=\"b\" c=\"d\"} 1\n", [sample("m", ["a": "b", "c": "d"], 1)]),
    ("m{p=\"C:\\dir\\n\",q=\"\\ü\"} 1\n", [sample("m", ["p": "C:\\\\dir\\n", "q": "\\\\ü"], 1)]),
    ("m+5\nn-5 7\no.5", [sample("m", 5), sample("n", -5, at: 7), sample("o", 0.5)]),
    ("m 1 9223372036854775807\n", [sample("m", 1, at: .max)]),
    ("#HELP m\n#TYPE m speed\n# HELP\n# TYPE\n# EOF\nm 1", [sample("m", 1)]),
    (
      "{\"queue.depth\",\"tier.name\"=\"hot\"} 3\nm{\"ü\"=\"1\",} 4\n{a=\"b\",\"n\"} 5\n{\"n\"}6",
      [sample("queue.depth", ["tier.name": "hot"], 3), sample("m", ["ü": "1"], 4), sample("n", ["a": "b"], 5), sample("n", 6)]
    ),
    ("# HELP \"a\\\"b\\\\\" text\n# TYPE \"a\\\"b\\\\\" gauge\n{\"a\\\"b\\\\\"} 1\n", [sample("a\"b\\", 1)]),
    ("m{a=\"}{ ,=\\\"\\\\\\n#\"} 1 1395066363000\n", [sample("m", ["a": "}{ ,=\\\"\\\\\\n#"], 1, at: 1_395_066_363_000)]),
    ("ns:m_1:rate NaN\nx -Inf\ny +inf\n", [sample("ns:m_1:rate", .nan), sample("x", -.infinity), sample("y", .infinity)]),
    ("m 1\nm 1\n", [sample("m", 1), sample("m", 1)]),
  ])
  func `accepts the text format`(body: String, samples: [ParsedSample]) throws {
    #expect(try parsedSamples(Array(body.utf8), rejectsDuplicates: false) == samples)
  }

  @Test func `R95: reads OpenMetrics, whose times are seconds`() throws {
    let body = """
      # TYPE build info
      # HELP build The version.
      # UNIT latency_seconds seconds
      # TYPE latency_seconds histogram
      latency_seconds_bucket{le="0.1"} 8 # {trace_id="KOO5S4vxi0o"} 0.067
      latency_seconds_bucket{le="1",} 9 1520879607.789 # {} 0.9 1520879607.7
      {"queue.depth","tier.name"="hot"} 3 1520879607
      m +3 -1
      # EOF

      """
    #expect(
      try parsedSamples(Array(body.utf8), .openMetrics) == [
        sample("latency_seconds_bucket", ["le": "0.1"], 8),
        sample("latency_seconds_bucket", ["le": "1"], 9, at: 1_520_879_607_789),
        sample("queue.depth", ["tier.name": "hot"], 3, at: 1_520_879_607_000), sample("m", 3, at: -1000),
      ])
    #expect(try parsedSamples(Array(body.dropLast().utf8), .openMetrics).count == 4)
  }

  @Test(arguments: [
    ("m 1\n", "does not end with '# EOF'"),
    ("m 1", "the last line does not end with a line feed"),
    ("# EOF\nm 1\n", "text after '# EOF'"),
    ("# EOF \n", "expected a HELP, TYPE, UNIT or EOF line"),
    ("# a comment\n# EOF\n", "expected a HELP, TYPE, UNIT or EOF line"),
    ("\n# EOF\n", "expected a metric name"),
    (" m 1\n# EOF\n", "expected a metric name"),
    ("m  1\n# EOF\n", "expected a space and a value"),
    ("m\t1\n# EOF\n", "expected a space and a value"),
    ("m 1\t5\n# EOF\n", "expected a space and a value"),
    ("m 1 5 \n# EOF\n", "expected an exemplar"),
    ("m 1 x\n# EOF\n", "the timestamp is not in seconds"),
    ("m 1 NaN\n# EOF\n", "the timestamp is not in seconds"),
    ("m {a=\"b\"} 1\n# EOF\n", "expected a space and a value"),
    ("m{a=\"b\", c=\"d\"} 1\n# EOF\n", "malformed labels"),
    ("m{a=\"b\"c=\"d\"} 1\n# EOF\n", "malformed labels"),
    ("m 1 # {a=\"b\"}\n# EOF\n", "expected a value of the exemplar"),
    ("m 1 # {a=\"b\"} 1 x\n# EOF\n", "expected a timestamp of the exemplar"),
    ("m 1 # x\n# EOF\n", "expected an exemplar"),
    ("# TYPE m untyped\n# EOF\n", "unknown metric type"),
    ("# HELP m\n# EOF\n", "expected a space after the metric name"),
    ("# UNIT m_bytes seconds\n# EOF\n", "is not the end of the metric's name"),
    ("m 1\r\n# EOF\n", "the value is not a number"),
  ])
  func `R95: rejects what is not OpenMetrics`(body: String, reason: String) {
    let error = #expect(throws: ExpositionError.self) { try parsedSamples(Array(body.utf8), .openMetrics) }
    #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    ("<html>\n", 1, "expected a metric name"),
    ("<html>", 1, "expected a metric name"),
    ("m 1\n{a=\"b\"} 1\n", 2, "expected a metric name before the braces or between them"),
    ("m{\"n\"} 1\n", 1, "two metric names"),
    ("{\"n\",\"o\"} 1\n", 1, "two metric names"),
    ("{\"\"} 1\n", 1, "an empty name"),
    ("m{\"\"=\"x\"} 1\n", 1, "an empty name"),
    ("{\"n} 1\n", 1, "unterminated name"),
    ("{\"n\" a=\"b\"} 1\n", 1, "expected '='"),
    ("{\"q.d\"} 1\nq.d 1\n", 2, "the value is not a number"),
    ("{\"n\",a=\"b\"} 1\nm{\"n\",a=\"b\"} 1\n", 2, "two metric names"),
    ("m{__name__=\"up\"} 1\n", 1, "a label must not be named '__name__'"),
    ("m{\"__name__\"=\"up\"} 1\n", 1, "a label must not be named '__name__'"),
    ("m 1\n\n1m 1\n", 3, "expected a metric name"),
    (" m 1\n", 1, "a blank before the metric name"),
    ("m\n", 1, "a metric name may only contain"),
    ("m-x 1\n", 1, "the value is not a number"),
    ("mü 1\n", 1, "a metric name may only contain"),
    ("m", 1, "a metric name may only contain"),
    ("m \n", 1, "the value is not a number"),
    ("m one\n", 1, "the value is not a number"),
    ("m 1_000\n", 1, "the value is not a number"),
    ("m 0x10\n", 1, "the value is not a number"),
    ("m 1e999\n", 1, "the value is not a number"),
    ("m nan(1)\n", 1, "the value is not a number"),
    ("m 1 now\n", 1, "the timestamp is not"),
    ("m 1 -5\n", 1, "the timestamp is not"),
    ("m 1 9223372036854775808\n", 1, "the timestamp is not"),
    ("m 1 1.5\n", 1, "the timestamp is not"),
    ("m 1 -0\n", 1, "the timestamp is not"),
    ("m 1 # {} 1\n", 1, "unexpected text at the end of the line"),
    ("m 1 5 # x\n", 1, "unexpected text at the end of the line"),
    ("m 1 1 1\n", 1, "unexpected text at the end of the line"),
    ("m 1\r\n", 1, "the value is not a number"),
    ("m 1\nm{a=\"b", 2, "unterminated label value"),
    ("m{,} 1\n", 1, "expected a label name"),
    ("m{a:b=\"c\"} 1\n", 1, "must not contain a colon"),
    ("m{a} 1\n", 1, "expected '='"),
    ("m{a=b} 1\n", 1, "expected '\"'"),
    ("m{a=\"b\n\"} 1\n", 1, "unterminated label value"),
    ("m{a=\"b", 1, "unterminated label value"),
    ("m{a=\"\\", 1, "unterminated label value"),
    ("m{a=\"1\",b=\"2\",a=\"3\"} 1\n", 1, "duplicate label 'a'"),
    ("m{a=\"1\"", 1, "expected a label name"),
    ("# TYPE m speed\n", 1, "unknown metric type"),
    ("# TYPE m gauge gauge\n", 1, "unknown metric type"),
    ("# TYPE m  gauge\n", 1, "unknown metric type"),
    ("# TYPE m gauge\r\n", 1, "unknown metric type"),
    ("# TYPE m info\n", 1, "unknown metric type"),
    ("# HELP \n", 1, "expected a metric name after HELP"),
    ("# HELP 1m text\n", 1, "expected a metric name after HELP"),
    ("# HELP m\u{0}text\n", 1, "a NUL byte after the metric name"), ("# TYPE m\u{0}gauge\n", 1, "a NUL byte after the metric name"),
  ])
  func `R43: rejects everything else with its line`(body: String, line: Int, reason: String) {
    let error = #expect(throws: ExpositionError.self) { try parsedSamples(Array(body.utf8)) }
    guard case .malformed(line, let text)? = error else {
      Issue.record("rejected for another reason: \(String(describing: error))")
      return
    }
    #expect(text.contains(reason))
  }

  @Test(arguments: ["m{a=\"?\"} 1\n", "# HELP m ?\n", "{\"?\"} 1\n", "m{\"?\"=\"\"} 1\n"])
  func `R43: rejects invalid UTF-8 in what is kept`(template: String) {
    for bad: [UInt8] in [[0xFF], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80]] {
      let body = template.utf8.flatMap { $0 == UInt8(ascii: "?") ? bad : [$0] }
      let error = #expect(throws: ExpositionError.self) { try parsedSamples(body) }
      #expect(error?.description.contains("UTF-8") == true)
    }
    #expect(throws: Never.self) { try parsedSamples(Array(template.replacing("?", with: "ü漢\u{1F600}").utf8)) }
  }

  @Test(arguments: [
    (ExpositionLimits(bytes: 4), "m 1\n", "m 10\n"),
    (ExpositionLimits(series: 2), "m 1\nn 2\n", "m 1\nn 2\no 3\n"),
    (ExpositionLimits(labels: 1), "m{a=\"b\"} 1\n", "m{a=\"b\",c=\"d\"} 1\n"),
    (ExpositionLimits(labelLength: 3), "m{a=\"bbb\"} 1\n", "m{a=\"bbbb\"} 1\n"),
    (ExpositionLimits(labelLength: 3), "m{aaa=\"b\"} 1\n", "m{aaaa=\"b\"} 1\n"),
    (ExpositionLimits(labelSetBytes: 7), "m{a=\"b\"} 1\n", "m{a=\"bb\"} 1\n"),
  ])
  func `R40: rejects a body that exceeds a limit, and accepts one that reaches it`(
    limits: ExpositionLimits, accepted: String, rejected: String
  ) {
    #expect(throws: Never.self) { try parsedSamples(Array(accepted.utf8), limits: limits) }
    let error = #expect(throws: ExpositionError.self) { try parsedSamples(Array(rejected.utf8), limits: limits) }
    guard case .tooLarge? = error else {
      Issue.record("rejected for another reason: \(String(describing: error))")
      return
    }
  }

  @Test(arguments: [
    ("m 1\nm 2\n", true),
    ("m{a=\"1\",b=\"2\"} 1\nm{b=\"2\",a=\"1\"} 1\n", true),
    ("m{a=\"1\",b=\"\"} 1\nm{a=\"1\"} 1 5\n", true),
    ("m{a=\"1\",b=\"2\"} 1\nm{a=\"2\",b=\"1\"} 1\n", false),
    ("m{a=\"b\"} 1\nm{b=\"a\"} 1\nn{a=\"b\"} 1\n", false),
  ])
  func `R43: rejects duplicate series on request, in any order of their labels`(body: String, isDuplicate: Bool) {
    let body = Array(body.utf8)
    #expect(throws: Never.self) { try parsedSamples(body, rejectsDuplicates: false) }
    if isDuplicate {
      let error = #expect(throws: ExpositionError.self) { try parsedSamples(body) }
      #expect(error?.description == "line 2: duplicate series m: another sample has the same labels")
    } else {
      #expect(throws: Never.self) { try parsedSamples(body) }
    }
  }

  @Test(arguments: [
    "0", "-0", "1.", ".5", "00012", "1e3", "1E+3", "12e-30", "123456789012345678901234567890", "0.1", "9007199254740993", "1e22", "1e23",
    "2.2250738585072014e-308", "4.9e-324", "1.7976931348623157e308", "1e-999", "3.0000000000000000000000000000000001",
  ])
  func `rounds numbers as the standard library does`(text: String) throws {
    let expected = try #require(Double(text.hasSuffix(".") ? text + "0" : text.hasPrefix(".") ? "0" + text : text))
    #expect(parseNumber(Array(text.utf8).span)?.bitPattern == expected.bitPattern)
  }

  @Test(arguments: ["", "-", "+", ".", "e5", "1e", "1e+", "--1", "1.2.3", "1 ", "infinit", "+-inf", "nanny", "1f"])
  func `rejects text that is not a number`(text: String) {
    #expect(parseNumber(Array(text.utf8).span) == nil)
  }
}

private func sample(_ name: String, _ value: Double, at timestamp: Int64? = nil) -> ParsedSample {
  ParsedSample(name, value: value, timestamp: timestamp)
}

/// - Parameter labels: names and escaped values.
private func sample(_ name: String, _ labels: KeyValuePairs<String, String>, _ value: Double, at timestamp: Int64? = nil) -> ParsedSample {
  ParsedSample(name, labels: labels.map { ParsedSample.Label(name: $0.key, escapedValue: $0.value) }, value: value, timestamp: timestamp)
}
