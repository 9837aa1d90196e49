import Testing

@testable import JSON

struct JSONMutationTests {
  static let seedText = #"{"a":[1,-2.5e+3,true,null,"x\u00e9\ud83d\ude00\n"],"b":{"":{},"c":[]},"日本":"😀"}"#

  @Test func `every prefix of a document is refused`() {
    let bytes = Array(Self.seedText.utf8)
    for length in 0..<bytes.count {
      #expect(throws: JSONError.self, "\(length) bytes") { try JSONValue(parsing: bytes[..<length]) }
    }
    #expect(throws: Never.self) { try JSONValue(parsing: bytes) }
  }

  @Test(arguments: 1...8 as ClosedRange<UInt64>)
  func `values of mutated texts keep their content when written and parsed`(seed: UInt64) throws {
    var state = seed
    func next() -> Int {
      // Constants: Knuth's MMIX generator.
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33)
    }
    let original = Array(Self.seedText.utf8)
    for _ in 0..<2000 {
      var bytes = original
      for _ in 0...next() % 3 { bytes[next() % bytes.count] = next() % 2 == 0 ? original[next() % original.count] : UInt8(next() % 256) }
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      #expect(try JSONValue(parsing: value.bytes) == value)
      #expect(try JSONValue(parsing: value.prettyText.utf8) == value)
    }
  }
}
