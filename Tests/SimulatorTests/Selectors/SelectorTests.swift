import Testing

@testable import Simulator

@Suite struct SelectorTests {
  private let labels = ["app": "web", "tier": "front", "os": "linux", "empty": "", "cores": "16"]

  @Test(arguments: [
    ("", true), ("app=web", true), ("app==web", true), ("app=db", false), ("app!=db", true), ("app!=web", false), ("missing!=x", true),
    ("app in (web, db)", true), ("app in (db)", false), ("app notin (db,cache)", true), ("app notin (web)", false),
    ("missing notin (x)", true), ("app", true), ("missing", false), ("!missing", true), ("!app", false),
    ("app=web,tier in (front,back),!missing", true), ("app=web,tier=back", false), ("kubernetes.io/os", false),
    ("  ", true), ("empty in (a,)", true), ("empty in ()", true), ("app in (,a)", false), ("app notin(db)", true), ("cores>8", true),
    ("cores > 16", false), ("cores<17", true), ("app>1", false), ("missing<1", false), ("in notin (in)", true), ("empty=,app", true),
  ])
  func `label selectors match`(text: String, matches: Bool) throws {
    #expect(try LabelSelector(text).matches(labels) == matches)
  }

  @Test(arguments: [
    "a b", "=x", "app in web", "app within (x)", "a=b c", "a/b/c=d", "a,", ",a", "a,,b", ",", "!a=b", "!!a", "!", "a in", "a in (b",
    "a in b)",
    "a in (b c)", "a in ((b))", "a=b=c", "a===b", "a>", "a>x", "a<1.5", "a>-1", "a=-b", "a!", "(a)",
  ])
  func `R85: malformed label selectors are rejected`(text: String) {
    let failure = #expect(throws: APIFailure.self) { try LabelSelector(text) }
    #expect(failure?.code == 400)
  }

  @Test(arguments: [
    ("metadata.name=a", true), ("metadata.name==a", true), ("metadata.name!=a", false), ("metadata.name=b", false),
    (",metadata.name=a,", true), (#"metadata.name=a\,b"#, false), (#"metadata.name!=a\=b"#, true), ("metadata.name=", false),
  ])
  func `field selectors match`(text: String, matches: Bool) throws {
    let selector = try FieldSelector(text, kind: ResourceTable.configMaps)
    #expect(selector.requirements.allSatisfy { ($0.value == "a") == $0.isEqual } == matches)
  }

  @Test(arguments: [
    "metadata.name", "metadata.name = a", " metadata.name=a", "metadata.name=a=b", #"metadata.name=a\"#, #"metadata.name=a\b"#, "other=a",
    "=a",
  ])
  func `malformed field selectors are rejected`(text: String) {
    let failure = #expect(throws: APIFailure.self) { try FieldSelector(text, kind: ResourceTable.configMaps) }
    #expect(failure?.code == 400)
  }
}
