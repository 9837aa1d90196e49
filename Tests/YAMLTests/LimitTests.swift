import JSON
import Testing

@testable import YAML

struct LimitTests {
  /// Each level is a sequence of nine aliases for the previous level.
  static let bomb = (0...9).map { level in
    level == 0
      ? "a0: &a0 x\n" : "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ",") + "]\n"
  }.joined()

  @Test func `R25: alias bombs are refused where they exceed the limit`() throws {
    let error = try failure(Self.bomb)
    #expect(error.phase == .limit)
    #expect(position(of: error).first == 7, "9^6 is the first power above 250,000: \(error)")
    #expect(error.what.contains("250000 values"))
  }

  @Test func `R25: aliases of long texts are refused`() throws {
    let text = "a: &a \(String(repeating: "x", count: 1 << 20))\nb: [*a, *a,\n*a, *a]\n"
    let error = try failure(text)
    #expect(error.phase == .limit)
    #expect(position(of: error) == [3, 1], "the anchor, the keys and three aliases exceed 4 MiB: \(error)")
  }

  @Test func `R25: aliases within the limit are allowed`() throws {
    let text = LimitTests.bomb.split(separator: "\n").prefix(5).joined(separator: "\n")
    #expect(try parse(text).mapping()["a4"]?.elements().count == 9)
  }

  @Test(arguments: ["[", "{a: ", "- ", "? ", "{? [", "[[], "])
  func `R25: deep nesting is refused`(opening: String) throws {
    let error = try failure(String(repeating: opening, count: 100_000))
    #expect(error.phase == .limit, "\(error)")
    #expect(error.what.contains("deeper than 100 levels"))
    #expect(error.mark.line == 1)
  }

  @Test func `R25: nesting through aliases is refused`() throws {
    let limits = YAMLLimits(depth: 4)
    let sound = "a: &a [[1]]\nb: [*a]\n"
    #expect(try parse(sound, limits: limits).jsonValue == ["a": [[1]], "b": [[[1]]]])
    let error = try failure("a: &a [[1]]\nb: [[*a]]\n", limits: limits)
    #expect(error.phase == .limit)
    #expect(position(of: error) == [2, 6])
  }

  @Test func `nesting up to the limit is allowed`() throws {
    let text = String(repeating: "[", count: 100) + String(repeating: "]", count: 100)
    var (value, depth) = (try parse(text).jsonValue, 1)
    while let inner = value[0] { (value, depth) = (inner, depth + 1) }
    #expect(depth == 100)
  }

  @Test func `texts that are too long are refused`() throws {
    let error = try failure("a: 12345", limits: YAMLLimits(bytes: 7))
    #expect(error.phase == .limit)
    #expect(try parse("a: 1234", limits: YAMLLimits(bytes: 7)).jsonValue == ["a": 1234])
  }

  @Test func `many tag directives are refused`() throws {
    let directives = (1...200_000).map { "%TAG !\($0)! tag:x\n" }.joined()
    let error = try failure(directives)
    #expect(error.phase == .limit)
    #expect(error.mark.line == 101)
  }
}
