import Testing

@testable import Exposition

/// A sample as a test writes it down.
private struct Read: Equatable, CustomStringConvertible {
  var name: String
  var labels: [String]
  var value: Double
  var timestamp: Int64?

  init(_ name: String, _ value: Double) {
    self.init(name, [], value)
  }

  init(_ name: String, _ labels: [String], _ value: Double, at timestamp: Int64? = nil) {
    self.name = name
    self.labels = labels
    self.value = value
    self.timestamp = timestamp
  }

  var description: String { "\(name)\(labels) \(value) \(timestamp ?? -1)" }

  static func == (left: Read, right: Read) -> Bool {
    (left.name, left.labels, left.timestamp) == (right.name, right.labels, right.timestamp)
      && (left.value == right.value || left.value.isNaN && right.value.isNaN)
  }
}

private func read(_ page: String, limits: ExpositionLimits = .standard) throws(ExpositionError) -> [Read] {
  var samples: [Read] = []
  try scanExposition(Array(page.utf8), limits: limits) { sample, page in
    let labels = sample.labels.map { "\(page.extracting($0.name).text)=\($0.text(in: page))" }
    samples.append(Read(sample.nameText(in: page), labels, sample.value, at: sample.timestampMilliseconds))
  }
  return samples
}

@Suite struct ScannerTests {
  @Test(arguments: [
    ("", []),
    ("\n \t\n", []),
    ("# a comment\n#\n#x\n# HELP m text with \\\\ and ü\n# TYPE m counter\nm 1\n", [Read("m", 1)]),
    ("m 1\n", [Read("m", 1)]),
    ("  m\t1 \n", [Read("m", 1)]),
    ("m{} 1\n", [Read("m", 1)]),
    ("m{a=\"b\"}1\n", [Read("m", ["a=b"], 1)]),
    ("m{a=\"b\",}1\n", [Read("m", ["a=b"], 1)]),
    ("m { a = \"b\" , c=\"\" } 1 -0\n", [Read("m", ["a=b", "c="], 1, at: 0)]),
    ("m{a=\"}{ ,=\\\"\\\\\\n#\"} 1 1395066363000\n", [Read("m", ["a=}{ ,=\"\\\n#"], 1, at: 1_395_066_363_000)]),
    ("ns:m_1:rate NaN\nx -Inf\ny +inf\n", [Read("ns:m_1:rate", .nan), Read("x", -.infinity), Read("y", .infinity)]),
    ("m 1\nm 1\n", [Read("m", 1), Read("m", 1)]),
  ])
  fileprivate func acceptsTheFormat(page: String, samples: [Read]) throws {
    #expect(try read(page) == samples)
  }

  @Test func toleratesOpenMetrics() throws {
    let page = """
      # TYPE build info
      # UNIT latency_seconds seconds
      # TYPE latency_seconds histogram
      latency_seconds_bucket{le="0.1"} 8 # {trace_id="KOO5S4vxi0o"} 0.067
      latency_seconds_bucket{le="1"} 9 1520879607.789 # {} 0.9 1520879607.7
      # EOF

      """
    #expect(
      try read(page) == [
        Read("latency_seconds_bucket", ["le=0.1"], 8), Read("latency_seconds_bucket", ["le=1"], 9, at: 1_520_879_607_789),
      ])
  }

  @Test(
    "R43: what is not the format is refused with its line",
    arguments: [
      ("<html>\n", 1, "expected a metric name"),
      ("m 1\n{a=\"b\"} 1\n", 2, "expected a metric name"),
      ("m 1\n\n1m 1\n", 3, "expected a metric name"),
      ("m\n", 1, "a metric name may only have"),
      ("m-x 1\n", 1, "a metric name may only have"),
      ("m", 1, "a metric name may only have"),
      ("m \n", 1, "the value is not a number: ''"),
      ("m one\n", 1, "the value is not a number: 'one'"),
      ("m 1_000\n", 1, "the value is not a number"),
      ("m 0x10\n", 1, "the value is not a number"),
      ("m 1e999\n", 1, "the value is not a number"),
      ("m nan(1)\n", 1, "the value is not a number"),
      ("m 1 now\n", 1, "the timestamp is not"),
      ("m 1 -5\n", 1, "the timestamp is not"),
      ("m 1 99999999999999999\n", 1, "the timestamp is not"),
      ("m 1 1 1\n", 1, "there is text behind"),
      ("m 1\r\n", 1, "the value is not a number"),
      ("m 1", 1, "ends without a line feed"),
      ("# HELP m half a li", 1, "ends without a line feed"),
      ("m{a=\"b\" c=\"d\"} 1\n", 1, "expected ',' or '}'"),
      ("m{,} 1\n", 1, "expected a label name"),
      ("m{a:b=\"c\"} 1\n", 1, "may not have a colon"),
      ("m{a} 1\n", 1, "expected '='"),
      ("m{a=b} 1\n", 1, "expected '\"'"),
      ("m{a=\"b\n\"} 1\n", 1, "the line ends within a label value"),
      ("m{a=\"b", 1, "the page ends within a label value"),
      ("m{a=\"\\t\"} 1\n", 1, "an escape in a label value"),
      ("m{a=\"\\", 1, "an escape in a label value"),
      ("m{a=\"1\",b=\"2\",a=\"3\"} 1\n", 1, "the label 'a' is there twice"),
      ("m{a=\"1\"", 1, "expected ',' or '}'"),
      ("# TYPE m speed\n", 1, "unknown metric type 'speed'"),
      ("# TYPE m gauge gauge\n", 1, "there is text behind"),
      ("# HELP 1m text\n", 1, "expected a metric name after HELP"),
    ])
  func refusesWhatIsNotTheFormat(page: String, line: Int, reason: String) {
    let error = #expect(throws: ExpositionError.self) { try read(page) }
    guard case .malformed(line, let said)? = error else {
      Issue.record("refused for another reason: \(String(describing: error))")
      return
    }
    #expect(said.contains(reason))
  }

  @Test(
    "R43: invalid UTF-8 is refused wherever it stands",
    arguments: ["m{a=\"?\"} 1\n", "# HELP m ?\n", "# ?\n", "#?\n", "m 1 # {a=\"?\"} 1\n"])
  func refusesInvalidUTF8(template: String) {
    for bad: [UInt8] in [[0xFF], [0xC3], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80]] {
      let page = template.utf8.flatMap { $0 == UInt8(ascii: "?") ? bad : [$0] }
      let error = #expect(throws: ExpositionError.self) { try scanExposition(page) { _, _ in } }
      #expect(error?.description.contains("UTF-8") == true)
    }
    #expect(throws: Never.self) { try read(template.replacing("?", with: "ü漢\u{1F600}")) }
  }

  @Test(
    "R40: past a limit the page is refused, at it it is read",
    arguments: [
      (ExpositionLimits(bytes: 4), "m 1\n", "m 10\n"),
      (ExpositionLimits(series: 2), "m 1\nm 2\n", "m 1\nm 2\nm 3\n"),
      (ExpositionLimits(labels: 1), "m{a=\"b\"} 1\n", "m{a=\"b\",c=\"d\"} 1\n"),
      (ExpositionLimits(labelLength: 3), "m{a=\"bbb\"} 1\n", "m{a=\"bbbb\"} 1\n"),
      (ExpositionLimits(labelLength: 3), "m{aaa=\"b\"} 1\n", "m{aaaa=\"b\"} 1\n"),
    ])
  func keepsToItsLimits(limits: ExpositionLimits, fits: String, doesNot: String) throws {
    #expect(throws: Never.self) { try read(fits, limits: limits) }
    let error = #expect(throws: ExpositionError.self) { try read(doesNot, limits: limits) }
    guard case .tooLarge? = error else {
      Issue.record("refused for another reason: \(String(describing: error))")
      return
    }
  }

  @Test(
    "R43: duplicate series are refused on request, whatever the order of their labels",
    arguments: [
      ("m 1\nm 2\n", true),
      ("m{a=\"1\",b=\"2\"} 1\nm{b=\"2\",a=\"1\"} 1\n", true),
      ("m{a=\"1\",b=\"\"} 1\nm{a=\"1\"} 1 5\n", true),
      ("m{a=\"1\",b=\"2\"} 1\nm{a=\"2\",b=\"1\"} 1\n", false),
      ("m{a=\"b\"} 1\nm{b=\"a\"} 1\nn{a=\"b\"} 1\n", false),
    ])
  func refusesDuplicates(page: String, isRefused: Bool) {
    func scan(refusing: Bool) throws { try scanExposition(Array(page.utf8), refusesDuplicates: refusing) { _, _ in } }
    #expect(throws: Never.self) { try scan(refusing: false) }
    if isRefused {
      let error = #expect(throws: ExpositionError.self) { try scan(refusing: true) }
      #expect(error?.description == "line 2: the series m is there twice with the same labels")
    } else {
      #expect(throws: Never.self) { try scan(refusing: true) }
    }
  }

  @Test(arguments: [
    "0", "-0", "1.", ".5", "00012", "1e3", "1E+3", "12e-30", "123456789012345678901234567890", "0.1", "9007199254740993", "1e22", "1e23",
    "2.2250738585072014e-308", "4.9e-324", "1.7976931348623157e308", "1e-999", "3.0000000000000000000000000000000001",
  ])
  func numbersAreRoundedAsTheStandardLibraryRoundsThem(text: String) throws {
    let expected = try #require(Double(text.hasSuffix(".") ? text + "0" : text.hasPrefix(".") ? "0" + text : text))
    #expect(parseNumber(Array(text.utf8).span)?.bitPattern == expected.bitPattern)
  }

  @Test(arguments: ["", "-", "+", ".", "e5", "1e", "1e+", "--1", "1.2.3", "1 ", "infinit", "+-inf", "nanny", "1f"])
  func whatIsNotANumberIsNot(text: String) {
    #expect(parseNumber(Array(text.utf8).span) == nil)
  }
}
