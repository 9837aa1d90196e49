import Primitives
import TestSupport
import Testing

@testable import Exposition

/// `ExpositionParser` compared with the `LineScanner` over intact and damaged bodies.
@Suite(.ownThread) struct ParserDifferentialTests {
  private static let body = Array(
    #"""
    # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="web",cpu="total",id="/kubepods/x",namespace="shop",pod="web-0"} 12.75 1795218028337
    container_cpu_usage_seconds_total{container="",id="/",note="a \"b\" \\ \n ü"} 1e+09
    # TYPE container_scrape_error gauge
    container_scrape_error 0
    x_bucket{le="+Inf"} 9
    {"queue.depth","tier.name"="C:\dir"} 3
    y NaN

    """#.utf8)
  private static let oddBytes = Array("\n\t \"\\{},=#+-.eE0NaInf_:".utf8) + [0, 0x7F, 0x80, 0xC3, 0xFF]

  @Test(arguments: 0..<16 as Range<UInt64>)
  func `R43: a damaged body has the oracle's samples, or is rejected at the oracle's line`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    var rejected = 0
    for round in 0..<200 {
      var body = Self.body
      for _ in 0..<Int.random(in: 1...6, using: &random) { Self.damage(&body, using: &random) }
      if !expectAgreement(on: body, rejectsDuplicates: round.isMultiple(of: 2)) { rejected += 1 }
    }
    #expect(rejected > 50)
  }

  @Test(arguments: 0..<16 as Range<UInt64>)
  func `R43: a random body has the oracle's samples`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    for round in 0..<100 {
      var body = RandomBody.bytes(using: &random)
      #expect(expectAgreement(on: body, rejectsDuplicates: false))
      RandomBody.damage(&body, using: &random)
      expectAgreement(on: body, rejectsDuplicates: round.isMultiple(of: 2))
    }
  }

  @Test func `the last line needs no line feed`() {
    for length in 0...Self.body.count { expectAgreement(on: Array(Self.body.prefix(length)), rejectsDuplicates: true) }
    #expect(expectAgreement(on: Self.body.dropLast(), rejectsDuplicates: true))
  }

  /// - Returns: whether both accept the body.
  @discardableResult
  private func expectAgreement(on body: [UInt8], rejectsDuplicates: Bool) -> Bool {
    let text = String(decoding: body, as: UTF8.self)
    let expected = Result { () throws(ExpositionError) in try LineScanner.samples(body, rejectsDuplicates: rejectsDuplicates) }
    let parsed = Result { () throws(ExpositionError) in try parsedSamples(body, rejectsDuplicates: rejectsDuplicates) }
    switch (expected, parsed) {
    case (.success(let expected), .success(let parsed)):
      #expect(parsed == expected.map(ParsedSample.init), "\(text)")
      return true
    case (.failure(.malformed(let expected, _)), .failure(.malformed(let line, _))),
      (.failure(.tooLarge(let expected, _)), .failure(.tooLarge(let line, _))):
      #expect(line == expected, "\(text)")
      return false
    default:
      Issue.record("expected \(expected), got \(parsed): \(text)")
      return false
    }
  }

  private static func damage(_ body: inout [UInt8], using random: inout SplitMix64) {
    guard let index = body.indices.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<5, using: &random) {
    case 0: body[index] = UInt8.random(in: 0...255, using: &random)
    case 1: body[index] = oddBytes.randomElement(using: &random) ?? 0
    case 2: body.insert(oddBytes.randomElement(using: &random) ?? 0, at: index)
    case 3: body.removeSubrange(index..<min(body.count, index + Int.random(in: 1...20, using: &random)))
    default: body.insert(contentsOf: body[index..<min(body.count, index + Int.random(in: 1...40, using: &random))], at: index)
    }
  }
}

extension ParsedSample {
  fileprivate init(_ sample: ScannedSample) {
    self.init(
      sample.name, labels: sample.labels.map { Label(name: $0.name, escapedValue: $0.escapedValue) }, value: sample.value,
      timestamp: sample.timestamp)
  }
}
