import Testing

@testable import Simulator

@Suite struct SelectorTests {
  private let labels = ["app": "web", "tier": "front", "os": "linux"]

  @Test(arguments: [
    ("", true), ("app=web", true), ("app==web", true), ("app=db", false), ("app!=db", true), ("app!=web", false), ("missing!=x", true),
    ("app in (web, db)", true), ("app in (db)", false), ("app notin (db,cache)", true), ("app notin (web)", false),
    ("missing notin (x)", true), ("app", true), ("missing", false), ("!missing", true), ("!app", false),
    ("app=web,tier in (front,back),!missing", true), ("app=web,tier=back", false), ("kubernetes.io/os", false),
  ])
  func `label selectors match`(text: String, matches: Bool) throws {
    #expect(try LabelSelector(text).matches(labels) == matches)
  }

  @Test(arguments: ["a b", "=x", "app in web", "app within (x)", "a=b c", "a/b/c=d"])
  func `malformed label selectors are rejected`(text: String) {
    let failure = #expect(throws: APIFailure.self) { try LabelSelector(text) }
    #expect(failure?.code == 400)
  }
}
