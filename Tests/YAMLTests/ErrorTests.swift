import JSON
import Testing

@testable import YAML

struct ErrorTests {
  @Test(arguments: [
    ("a: 1\nb: [1, 2\n", 3, 1, "flow sequence"),
    ("a: 1\n b: 2\n", 2, 3, "mapping values"),
    ("a:\n  - 1\n b\n", 3, 2, "block mapping"),
    ("a: 1\n\tb: 2\n", 2, 1, "tab character"),
    ("a: \"x\n", 2, 1, "quoted scalar"),
    ("a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key \"a\", first in line 1"),
    ("x: {k: 1, 'k': 2}\n", 1, 11, "duplicate key \"k\""),
    ("1: a\n'1': b\n", 2, 1, "duplicate key \"1\""),
    ("? [a]\n: 1\n", 1, 3, "a sequence or mapping as a key"),
    ("a: *b\n", 1, 4, "&b"),
    ("a: &a [*a]\n", 1, 8, "&a"),
    ("a: &x {b: 1}\nc:\n  <<: *x\n", 3, 3, "merge key"),
    ("a: 1\n--- {b: 2}\n", 2, 5, "second document"),
    ("a: 1\n...\nb: 2\n", 3, 1, "expected <document start>"),
    ("", 1, 1, "no document"),
    ("%YAML 3.0\n--- a\n", 1, 1, "incompatible YAML"),
  ])
  func `an error has the position and the problem`(text: String, line: Int, column: Int, reason: String) throws {
    let error = try failure(text)
    #expect(position(of: error) == [line, column], "\(error)")
    #expect(error.what.contains(reason), "\(error)")
    #expect(!error.remedy.isEmpty)
    #expect(error.description.hasPrefix("test.yaml:\(line):\(column): "))
  }

  @Test func `a quoted merge key is a string`() throws {
    #expect(try parse("'<<': 1").jsonValue == ["<<": 1])
  }

  @Test func `bytes that are not UTF-8 are refused at their position`() throws {
    let text = Array("a: 1\nb: é".utf8) + [0xFF, 0x0A]
    let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: text, file: "junk") }
    #expect(position(of: error) == [2, 5])
    #expect(error.what.contains("not UTF-8"))
  }

  @Test(arguments: [[0xFF, 0xFE, 0x00, 0x00, 0x61, 0x00, 0x00, 0x00], [0x61, 0x00, 0x62], [0x61, 0x3A, 0x20, 0x07]] as [[UInt8]])
  func `other encodings and control characters are refused`(bytes: [UInt8]) {
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: bytes, file: "junk") }
  }

  @Test func `long names are truncated`() throws {
    let name = String(repeating: "k", count: 10_000)
    #expect(try failure("a: *\(name)\n").description.utf8.count < 400)
    #expect(try failure("a: !\(name) 1\n").description.utf8.count < 400)
    #expect(try failure("? \(name)\n: 1\n? \(name)\n: 2\n").description.utf8.count < 400)
  }
}
