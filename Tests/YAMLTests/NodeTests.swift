import JSON
import Testing

@testable import YAML

struct NodeTests {
  @Test func `positions are counted from one`() throws {
    let node = try parse("a: 1\nlist:\n  - é: x\n    b: \"y\"\n")
    let mapping = try node.mapping()
    #expect(mapping.entries.map(\.key) == ["a", "list"])
    #expect(mapping.entries[1].keyMark == YAMLMark(file: "test.yaml", line: 2, column: 1))
    let inner = try #require(mapping["list"]).elements()[0].mapping()
    #expect(inner["é"]?.mark == YAMLMark(file: "test.yaml", line: 3, column: 8))
    #expect(inner["b"]?.mark.description == "test.yaml:4:8")
  }

  @Test func `keys keep their order`() throws {
    let keys = try parse("{z: 1, a: 2, m: 3}").mapping().entries.map(\.key)
    #expect(keys == ["z", "a", "m"])
  }

  @Test func `scalars have their style and tag`() throws {
    let node = try parse("[plain, 'single', \"double\", !!str 1, ! 2]")
    let scalars = try node.elements().map { node in
      guard case .scalar(let scalar) = node.kind else { throw YAMLError(.reading, at: node.mark, "no scalar", "") }
      return scalar
    }
    #expect(scalars.map(\.style) == [.plain, .quoted, .quoted, .plain, .plain])
    #expect(scalars.map(\.tag) == [nil, nil, nil, .string, .string])
    #expect(scalars.map(\.text) == ["plain", "single", "double", "1", "2"])
  }

  @Test func `block scalars are strings`() throws {
    let node = try parse("a: |\n  123\nb: >-\n  one\n  two\n")
    #expect(node.jsonValue == ["a": "123\n", "b": "one two"])
  }

  @Test func `aliases are replaced by their value`() throws {
    let node = try parse("base: &b {x: [1, 2]}\nagain: *b\nkey: &k name\n*k : v\n")
    #expect(node.jsonValue == ["base": ["x": [1, 2]], "again": ["x": [1, 2]], "key": "name", "name": "v"])
    #expect(try node.mapping()["again"]?.mark.line == 1, "the position is that of the anchor")
  }

  @Test func `a stream has any number of documents`() throws {
    let documents = try YAMLNode.documents(parsing: "--- a\n---\n--- {b: 1}\n...\n".utf8, file: "stream")
    #expect(documents.map(\.jsonValue) == ["a", nil, ["b": 1]])
    #expect(try YAMLNode.documents(parsing: "# only a comment\n".utf8, file: "stream").isEmpty)
    #expect(try YAMLNode.documents(parsing: [], file: "stream").isEmpty)
  }

  @Test func `anchors end with their document`() {
    #expect(throws: YAMLError.self) { try YAMLNode.documents(parsing: "--- &a 1\n--- *a\n".utf8, file: "stream") }
  }

  @Test func `R85: a byte order mark is skipped, and does not move the first line`() throws {
    let text = "\u{FEFF}a: 1\r\nb: [é, x\r\n"
    let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: text.utf8, file: "bom") }
    #expect(error.mark.line >= 2)
    let node = try YAMLNode(parsing: (text + "]").utf8, file: "bom")
    #expect(node.jsonValue == ["a": 1, "b": ["é", "x"]])
    #expect(try node.mapping().entries.map(\.keyMark.column) == [1, 1])
  }

  @Test func `R85: UTF-16 is read if it has a byte order mark`() throws {
    let text = "\u{FEFF}a: é\nb: 😀\n"
    let littleEndian = text.utf16.flatMap { [UInt8($0 & 0xFF), UInt8($0 >> 8)] }
    let bigEndian = text.utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    for bytes in [littleEndian, bigEndian] {
      #expect(try YAMLNode(parsing: bytes, file: "utf16").jsonValue == ["a": "é", "b": "😀"])
      let error = try #require(throws: YAMLError.self) { try YAMLNode(parsing: bytes.dropLast(), file: "utf16") }
      #expect(error.what.contains("UTF-16") && error.remedy.contains("UTF-8"))
    }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: [0xFF, 0xFE, 0x00, 0xD8], file: "unpaired surrogate") }
    #expect(throws: YAMLError.self) { try YAMLNode(parsing: littleEndian.dropFirst(2), file: "without a mark") }
    #expect(try YAMLNode.documents(parsing: [0xFF, 0xFE], file: "empty").isEmpty)
  }

  @Test func `R85: keys that differ in Unicode normalization are two`() throws {
    let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
    let mapping = try parse("\(composed): 1\n\(decomposed): 2\n").mapping()
    #expect(mapping.entries.count == 2)
    #expect(try mapping.required(composed).integer() == 1)
    #expect(try mapping.required(decomposed).integer() == 2)
  }

  @Test func `JSON is YAML, except for escaped surrogates`() throws {
    let text = "{\n\t\"a\": [1, 2.5, true, null, \"x\\u00e9\\/\"],\n\t\"b\": {\"c\": \"\\ud83d\\ude00\"}\n}"
    let json = try JSONValue(parsing: Array("{\"a\": [1, 2.5, true, null, \"xé/\"]}".utf8))
    let parsed = Result { try parse(text) }
    // libyaml does not combine surrogates. Such a text must be an error, not mojibake.
    #expect(throws: YAMLError.self) { try parsed.get() }
    #expect(try parse("{\n\t\"a\": [1, 2.5, true, null, \"x\\u00e9\\/\"]\n}").jsonValue == json)
  }
}
