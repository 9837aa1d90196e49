import Primitives
import TestSupport
import Testing

@testable import YAML

struct MutationTests {
  /// A text with every construct that the parser supports.
  static let seedText = """
    %YAML 1.1
    %TAG !e! tag:yaml.org,2002:
    ---
    # comment
    a: &anchor [1, 2.5, true, ~, 'single ''quote''', "double \\u00e9 \\n"]
    b: {k: *anchor, !!str t: !e!int 7}
    c: |+
      block

    d: >-
      folded
      text
    ? e
    : - x
      - - y
        - z
    é: 日本
    ...
    --- second
    """

  @Test(arguments: 0..<16 as Range<UInt64>)
  func `mutated texts parse or fail at a position within the text`(seed: UInt64) {
    var random = SplitMix64(seed: seed)
    let original = Array(Self.seedText.utf8)
    for _ in 0..<150 {
      var bytes = original
      for _ in 0...Int(random.next() % 6) { random.mutate(&bytes) }
      do throws(YAMLError) {
        let documents = try YAMLNode.documents(parsing: bytes, file: "junk", limits: YAMLLimits(bytes: 4096, nodes: 500, depth: 20))
        for document in documents { _ = document.jsonValue }
      } catch {
        let lines = bytes.count { $0 == 0x0A || $0 == 0x0D || $0 == 0x85 || $0 == 0xA8 || $0 == 0xA9 } + 1
        #expect(error.mark.line >= 1 && error.mark.line <= lines + 1, "\(error)")
        #expect(error.mark.column >= 1 && error.mark.column <= bytes.count + 1, "\(error)")
      }
    }
  }

  @Test func `every prefix of a text parses or fails`() {
    let bytes = Array(Self.seedText.utf8)
    var sound = 0
    for length in 0...bytes.count where (try? YAMLNode.documents(parsing: bytes[..<length], file: "prefix")) != nil { sound += 1 }
    #expect(sound > 0 && sound < bytes.count)
  }
}

extension SplitMix64 {
  /// Changes, inserts, removes or copies some bytes.
  mutating func mutate(_ bytes: inout [UInt8]) {
    guard let position = bytes.indices.randomElement(using: &self) else { return bytes.append(UInt8(truncatingIfNeeded: next())) }
    let end = min(bytes.count, position + Int(next() % 24))
    switch next() % 5 {
    case 0: bytes[position] = UInt8(truncatingIfNeeded: next())
    case 1: bytes.insert("[]{}&*!|>'\"%@`,:?-# \n\t\u{0}".utf8.randomElement(using: &self) ?? 0, at: position)
    case 2: bytes.removeSubrange(position..<end)
    case 3: bytes.insert(contentsOf: bytes[position..<end], at: Int(next() % UInt64(bytes.count)))
    default: bytes.removeSubrange(position...)
    }
  }
}
