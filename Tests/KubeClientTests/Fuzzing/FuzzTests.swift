import TestSupport
import Testing

/// `hack/fuzz` does this with libFuzzer, and for as long as one likes.
@Suite("Readers of strangers' words survive mutated samples")
struct FuzzTests {
  @Test(arguments: FuzzTarget.allCases) func mutatedSamples(_ target: FuzzTarget) {
    var random = SplitMix(seed: 36)
    for sample in target.samples {
      #expect(target.problem(with: sample) == nil)
      for _ in 1...500 {
        let input = mutated(sample, &random)
        if let problem = target.problem(with: input) {
          Issue.record("\(problem): \(input)")
          return
        }
      }
    }
  }

  /// Overwritten, cut out, inserted and doubled in up to eight places.
  private func mutated(_ sample: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var bytes = sample
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      let end = min(bytes.count, place + Int.random(in: 0...8, using: &random))
      switch Int.random(in: 0..<5, using: &random) {
      case 0 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.removeSubrange(place..<end)
      case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 3 where place < bytes.count: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      default: bytes.insert([0, 0x0A, 0x22, 0x2D, 0x5C, 0x7B, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0, at: place)
      }
    }
    return bytes
  }
}
