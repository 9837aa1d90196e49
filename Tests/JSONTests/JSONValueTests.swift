import Testing

@testable import JSON

struct JSONValueTests {
  private func parse(_ text: String) throws(JSONError) -> JSONValue {
    try JSONValue(parsing: Array(text.utf8))
  }

  private func text(_ value: JSONValue) -> String {
    String(decoding: value.bytes, as: UTF8.self)
  }

  @Test(arguments: [
    "null", "true", "false", "0", "-1", "9223372036854775807", "-9223372036854775808", "1.5", "\"\"", "\"a\\\"b\\\\c\"", "\"http://x/y\"",
    "[]",
    "{}", "[[],{}]", "{\"a\":[1,null,true,\"x\"],\"b\":{\"c\":-2.5}}", "\"日本 😀\"",
  ])
  func `a document is written as it was parsed`(text: String) throws {
    #expect(self.text(try parse(text)) == text)
  }

  @Test func `members are written in the order of their names`() throws {
    #expect(text(["b": 1, "a": ["d": 2, "c": 3], "B": 4]) == "{\"B\":4,\"a\":{\"c\":3,\"d\":2},\"b\":1}")
    #expect(try parse(JSONValue.object(["b": 1, "a": [2]]).prettyText) == ["a": [2], "b": 1])
  }

  @Test func `R85: members whose names differ in Unicode normalization are two`() throws {
    let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
    var value = try parse("{\"\(composed)\":1,\"\(decomposed)\":2,\"\(composed)\":3}")
    #expect(value.object?.count == 2)
    #expect(value[composed] == 3 && value[decomposed] == 2)
    #expect(try parse(text(value)) == value)
    #expect(Array(text(value).utf8) == Array("{\"\(decomposed)\":2,\"\(composed)\":3}".utf8))
    value[decomposed] = nil
    #expect(value == .object([composed: 3]) && value != .object([decomposed: 3]))
  }

  @Test(
    arguments: [
      ("1", .integer(1)), ("-0", .integer(0)), ("1e3", .number(1000)), ("3.0", .number(3)), ("2.5e-1", .number(0.25)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)),
      ("12345678901234567890123", .number(1.2345678901234568e22)), ("0.1", .number(0.1)),
    ] as [(String, JSONValue)])
  func `numbers are integers if they fit in 64 bits`(text: String, value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test func `integers are not booleans`() throws {
    #expect(try parse("[0,1,false,true]") == [.integer(0), .integer(1), .bool(false), .bool(true)])
  }

  @Test func `infinities and NaN are written as strings`() {
    #expect(text([.number(.infinity), .number(-.infinity), .number(.nan)]) == "[\"Infinity\",\"-Infinity\",\"NaN\"]")
  }

  @Test func `control characters are escaped`() throws {
    let value = JSONValue.string("a\u{0}\n\u{1F}\u{2028}")
    let bytes = value.bytes
    #expect(bytes.allSatisfy { $0 >= 0x20 })
    #expect(try JSONValue(parsing: bytes) == value)
  }

  @Test(arguments: [
    "", " ", "{", "[1", "[1,]", "{\"a\":1,}", "-", "1.", "1e", "1e999", "\"\\x\"", "\"\\u12g4\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
    "truex", "{\"a\"}", "{a:1}", "'a'", "nul", "1 2", "[1}", "\"\\ud800\"", "\"\n\"", "01", "+1", ".5", "NaN",
  ])
  func `text that is not JSON is refused`(text: String) {
    #expect(throws: JSONError.self) { try self.parse(text) }
  }

  @Test func `bytes that are not UTF-8 are refused`() {
    #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
  }

  @Test func `errors say that the text is not JSON`() throws {
    let error = try #require(throws: JSONError.self) { try self.parse("{\"a\": tru}") }
    #expect(error.description.hasPrefix("invalid JSON"))
  }

  @Test(arguments: [("[", "]"), ("{\"a\":", "}")])
  func `deep nesting is refused`(opening: String, closing: String) throws {
    let sound = String(repeating: opening, count: 100) + "1" + String(repeating: closing, count: 100)
    #expect(text(try parse(sound)) == sound)
    let deep = String(repeating: opening, count: 100_000) + "1" + String(repeating: closing, count: 100_000)
    #expect(throws: JSONError.self) { try self.parse(deep) }
  }
}

struct JSONAccessTests {
  let value: JSONValue = ["name": "n", "count": 3, "share": 0.5, "whole": .number(4), "on": true, "list": ["a", "b"], "none": nil]

  @Test func `members and elements are accessible`() {
    #expect(value["name"]?.string == "n")
    #expect(value["list"]?[1] == "b")
    #expect(value["list"]?[2] == nil)
    #expect(value["list"]?[-1] == nil)
    #expect(value["none"] == JSONValue.null)
    #expect(value["missing"] == nil)
    #expect(value["name"]?["inner"] == nil)
  }

  @Test func `values are not converted to other kinds`() {
    #expect(value["count"]?.string == nil)
    #expect(value["name"]?.integer == nil)
    #expect(value["on"]?.integer == nil)
    #expect(value["count"]?.bool == nil)
    #expect(value["count"]?.number == 3)
    #expect(value["whole"]?.integer == 4)
    #expect(value["share"]?.integer == nil)
    #expect(JSONValue.number(.infinity).integer == nil)
  }

  @Test func `members can be set and removed`() {
    var changed = value
    changed["name"] = "m"
    changed["list"] = nil
    changed["new"] = ["x": 1]
    changed["new"]?["y"] = 2
    #expect(changed["name"] == "m")
    #expect(changed["list"] == nil)
    #expect(changed["new"] == ["x": 1, "y": 2])
    #expect(value["name"] == "n")
  }

  @Test func `setting a member makes an object`() {
    var text: JSONValue = "text"
    text["a"] = nil
    #expect(text == "text")
    text["a"] = 1
    #expect(text == ["a": 1])
  }
}
