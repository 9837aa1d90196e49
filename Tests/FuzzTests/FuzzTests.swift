import Foundation
import Primitives
import TestSupport
import Testing

/// Five hundred mutations of each seed, the same ones on every run. `hack/fuzz` runs the same parsers under libFuzzer, endlessly.
@Suite(.ownThread) struct FuzzTests {
  @Test(arguments: FuzzTarget.allCases) func `no mutation of a seed crashes a parser or breaks its invariant`(_ target: FuzzTarget) throws {
    var random = SplitMix64(seed: 36)
    let seeds = try seeds(of: target)
    try #require(!seeds.isEmpty)
    for seed in seeds {
      #expect(target.problem(with: seed) == nil)
      for _ in 1...500 {
        let input = mutated(seed, &random)
        if let problem = target.problem(with: input) {
          Issue.record("\(problem): \(input)")
          return
        }
      }
    }
  }

  private func seeds(of target: FuzzTarget) throws -> [[UInt8]] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus/\(target.rawValue)")
    return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
      .sorted { $0.lastPathComponent < $1.lastPathComponent }
      .map { [UInt8](try Data(contentsOf: $0)) }
  }

  /// Overwrites, removes, inserts or repeats bytes at up to eight positions.
  private func mutated(_ seed: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...8, using: &random) {
      let index = Int.random(in: 0...bytes.count, using: &random)
      let end = min(bytes.count, index + Int.random(in: 0...8, using: &random))
      switch Int.random(in: 0..<5, using: &random) {
      case 0 where index < bytes.count: bytes[index] = UInt8.random(in: 0...255, using: &random)
      case 1: bytes.removeSubrange(index..<end)
      case 2: bytes.insert(contentsOf: bytes[index..<end], at: index)
      case 3 where index < bytes.count: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      default: bytes.insert([0, 0x0A, 0x22, 0x2D, 0x5C, 0x7B, 0x7F, 0x80, 0xFF].randomElement(using: &random) ?? 0, at: index)
      }
    }
    return bytes
  }
}
