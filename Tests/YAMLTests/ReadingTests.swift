import Testing

@testable import YAML

struct ReadingTests {
  let node: YAMLNode

  init() throws {
    node = try parse("text: 1.10\nflag: true\ncount: 12\nshare: 0.5\nlist: [a]\nmap: {k: v}\nnone:\nlegacy: yes\nquoted: '12'\n")
  }

  @Test func `values of the expected kind are returned`() throws {
    let mapping = try node.mapping()
    #expect(try mapping.required("text").text() == "1.10")
    #expect(try mapping.required("flag").bool())
    #expect(try mapping.required("count").integer() == 12)
    #expect(try mapping.required("count").number() == 12)
    #expect(try mapping.required("share").number() == 0.5)
    #expect(try mapping.required("list").elements().count == 1)
    #expect(try mapping.required("map").mapping().entries.map(\.key) == ["k"])
    #expect(mapping.optional("none") == nil)
    #expect(mapping["none"]?.isNull == true)
    #expect(mapping.optional("missing") == nil)
  }

  @Test(arguments: [
    ("legacy", "true or false", 8), ("quoted", "a whole number", 9), ("share", "a whole number", 4), ("list", "text", 5),
    ("none", "text", 7),
    ("map", "a sequence", 6), ("text", "a mapping", 1),
  ])
  func `an error has the position and the expected kind`(key: String, wanted: String, line: Int) throws {
    let value = try #require(try node.mapping()[key])
    let error = try #require(throws: YAMLError.self) {
      switch wanted {
      case "true or false": _ = try value.bool()
      case "a whole number": _ = try value.integer()
      case "text": _ = try value.text()
      case "a sequence": _ = try value.elements()
      default: _ = try value.mapping()
      }
    }
    #expect(error.phase == .reading)
    #expect(error.mark.line == line)
    #expect(error.what.contains(wanted))
  }

  @Test func `numbers out of range are refused`() throws {
    let count = try #require(try node.mapping()["count"])
    #expect(try count.integer(in: 0...12) == 12)
    let error = try #require(throws: YAMLError.self) { try count.integer(in: 1...10) }
    #expect(error.what.contains("from 1 to 10"))
    #expect(throws: YAMLError.self) { try parse(".inf").number() }
    #expect(throws: YAMLError.self) { try parse("9223372036854775808").integer() }
  }

  @Test func `a missing key is an error with its name`() throws {
    let error = try #require(throws: YAMLError.self) { try node.mapping().required("server") }
    #expect(error.what == "server is missing")
    let empty = try #require(throws: YAMLError.self) { try node.mapping().required("none") }
    #expect(empty.mark.line == 7)
  }

  @Test func `an unknown key is refused, with the known keys`() throws {
    let mapping = try parse("interval: 15s\nthreshhold: 5m\n").mapping()
    let error = try #require(throws: YAMLError.self) { try mapping.refuseKeys(otherThan: ["interval", "threshold"]) }
    #expect(error.description == "test.yaml:2:1: unknown setting \"threshhold\"; use one of: interval, threshold")
    #expect(throws: Never.self) { try mapping.refuseKeys(otherThan: ["interval", "threshhold"]) }
  }

  @Test func `R26: a value that may be secret is not quoted`() throws {
    let secret = try parse("hunter2")
    let asMapping = try #require(throws: YAMLError.self) { try secret.mapping() }
    let asSequence = try #require(throws: YAMLError.self) { try secret.elements() }
    #expect(!asMapping.description.contains("hunter2"))
    #expect(!asSequence.description.contains("hunter2"))
  }
}
