import JSON
import Testing

@testable import YAML

struct CoreSchemaTests {
  @Test(
    arguments: [
      ("", nil), ("~", nil), ("null", nil), ("Null", nil), ("NULL", nil), ("nULL", "nULL"),
      ("true", true), ("True", true), ("FALSE", false), ("tRUE", "tRUE"),
      ("yes", "yes"), ("No", "No"), ("on", "on"), ("OFF", "OFF"), ("y", "y"),
      ("0", 0), ("-12", -12), ("+12", 12), ("010", 10), ("0o17", 15), ("0x1F", 31), ("0o8", "0o8"), ("0x", "0x"), ("-0x1", "-0x1"),
      ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("9223372036854775807", .integer(.max)),
      ("9223372036854775808", .number(9_223_372_036_854_775_808)), ("0x10000000000000000", .number(18_446_744_073_709_551_616)),
      ("1.5", 1.5), ("-.5", -0.5), ("1.", 1.0), ("1e3", 1000.0), ("1.5E-3", 0.0015), (".", "."), ("-", "-"), ("e3", "e3"), ("1e", "1e"),
      ("1.2.3", "1.2.3"), ("0x1p3", "0x1p3"), ("nan", "nan"), ("inf", "inf"), ("infinity", "infinity"),
      (".inf", .number(.infinity)), ("-.Inf", .number(-.infinity)), ("2001-01-01", "2001-01-01"), ("１２", "１２"),
    ] as [(String, JSONValue)])
  func `a plain scalar is resolved`(text: String, value: JSONValue) {
    #expect(CoreSchema.resolve(plain: text) == value)
  }

  @Test func `.nan is a number`() {
    #expect(CoreSchema.resolve(plain: ".nan").number?.isNaN == true)
  }

  @Test func `quotes and tags take precedence over the schema`() throws {
    let node = try parse("['true', \"12\", '', !!str 12, !!int '12', !!float 3, !!bool 'false', !!null '', ! true]")
    #expect(node.jsonValue == ["true", "12", "", "12", 12, .number(3), false, nil, "true"])
  }

  @Test(arguments: ["!!int x", "!!bool yes", "!!float one", "!!null 0", "!!map x", "!!seq {a: 1}", "!!str [a]", "!!binary AA==", "!mine x"])
  func `a tag that does not match its value is refused`(text: String) throws {
    let error = try failure("a: \(text)\n")
    #expect(error.phase == .parsing)
    #expect(position(of: error) == [1, 4])
  }

  @Test func `collections may have their tag`() throws {
    #expect(try parse("!!map {a: !!seq [1]}").jsonValue == ["a": [1]])
  }
}
