import TestSupport
import Testing

@testable import Exposition

@Suite struct ScannerMutationTests {
  private static let page = Array(
    #"""
    # HELP container_cpu_usage_seconds_total Cumulative cpu time consumed in seconds.
    # TYPE container_cpu_usage_seconds_total counter
    container_cpu_usage_seconds_total{container="web",cpu="total",id="/kubepods/x",namespace="shop",pod="web-0"} 12.75 1795218028337
    container_cpu_usage_seconds_total{container="",id="/",note="a \"b\" \\ \n ü"} 1e+09
    # TYPE container_scrape_error gauge
    container_scrape_error 0
    x_bucket{le="+Inf"} 9 # {trace="1"} 0.5
    y NaN

    """#.utf8)
  private static let spice = Array("\n\t \"\\{},=#+-.eE0NaInf_:".utf8) + [0, 0x7F, 0x80, 0xC3, 0xFF]

  @Test(arguments: 0..<16 as Range<UInt64>)
  func aDamagedPageIsReadOrRefusedAndNeverWorse(seed: UInt64) {
    var random = SplitMix(seed: seed)
    var refused = 0
    for _ in 0..<200 {
      var page = Self.page
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        Self.damage(&page, using: &random)
      }
      do {
        try scanExposition(page, refusesDuplicates: true) { sample, page in
          // Every place has to be on the page: reading there would trap.
          #expect(!sample.nameText(in: page).isEmpty)
          for label in sample.labels {
            _ = label.text(in: page)
          }
        }
      } catch {
        refused += 1
        let lines = page.count { $0 == UInt8(ascii: "\n") } + 1
        switch error {
        case .malformed(let line, _), .tooLarge(let line, _): #expect((1...lines).contains(line))
        }
      }
    }
    #expect(refused > 50)
  }

  @Test func everyPrefixOfAPageEndsCleanlyOnlyAtALine() {
    for length in 0...Self.page.count {
      let prefix = Array(Self.page.prefix(length))
      let endsALine = prefix.isEmpty || prefix.last == UInt8(ascii: "\n")
      if endsALine {
        #expect(throws: Never.self) { try scanExposition(prefix) { _, _ in } }
      } else {
        #expect(throws: ExpositionError.self) { try scanExposition(prefix) { _, _ in } }
      }
    }
  }

  private static func damage(_ page: inout [UInt8], using random: inout SplitMix) {
    guard let place = page.indices.randomElement(using: &random) else { return }
    switch Int.random(in: 0..<5, using: &random) {
    case 0: page[place] = UInt8.random(in: 0...255, using: &random)
    case 1: page[place] = spice.randomElement(using: &random) ?? 0
    case 2: page.insert(spice.randomElement(using: &random) ?? 0, at: place)
    case 3: page.removeSubrange(place..<min(page.count, place + Int.random(in: 1...20, using: &random)))
    default: page.insert(contentsOf: page[place..<min(page.count, place + Int.random(in: 1...40, using: &random))], at: place)
    }
  }
}
