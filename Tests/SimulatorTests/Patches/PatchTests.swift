import JSON
import Testing

@testable import Simulator

@Suite struct PatchTests {
  @Test(arguments: [
    (#"{"a":"b"}"#, #"{"a":"c"}"#, #"{"a":"c"}"#), (#"{"a":"b"}"#, #"{"b":"c"}"#, #"{"a":"b","b":"c"}"#),
    (#"{"a":"b"}"#, #"{"a":null}"#, "{}"), (#"{"a":["b"]}"#, #"{"a":"c"}"#, #"{"a":"c"}"#),
    (#"{"a":{"b":"c"}}"#, #"{"a":{"b":"d","c":null}}"#, #"{"a":{"b":"d"}}"#), (#"{"a":[1,2]}"#, #"{"a":[3]}"#, #"{"a":[3]}"#),
    (#"{"e":null}"#, #"{"a":1}"#, #"{"e":null,"a":1}"#), ("{}", #"{"a":{"bb":{"ccc":null}}}"#, #"{"a":{"bb":{}}}"#),
  ])
  func `merge patches`(target: String, patch: String, expected: String) throws {
    #expect(MergePatch.patched(try Sample.object(target), try Sample.object(patch)) == (try Sample.object(expected)))
  }

  private static let podWithTwo = #"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"2"}]}}"#

  @Test(arguments: [
    (
      #"{"spec":{"containers":[{"name":"b","image":"3"},{"name":"c","image":"4"}]}}"#,
      #"{"spec":{"containers":[{"name":"a","image":"1"},{"name":"b","image":"3"},{"name":"c","image":"4"}]}}"#
    ),
    (#"{"spec":{"containers":[{"name":"a","$patch":"delete"}]}}"#, #"{"spec":{"containers":[{"name":"b","image":"2"}]}}"#),
    (#"{"spec":{"containers":[{"$patch":"replace"},{"name":"z"}]}}"#, #"{"spec":{"containers":[{"name":"z"}]}}"#),
    (
      #"{"spec":{"$setElementOrder/containers":[{"name":"c"},{"name":"b"},{"name":"a"}],"containers":[{"name":"c"}]}}"#,
      #"{"spec":{"containers":[{"name":"c"},{"name":"b","image":"2"},{"name":"a","image":"1"}]}}"#
    ),
    (#"{"spec":{"$patch":"replace","nodeName":"n"}}"#, #"{"spec":{"nodeName":"n"}}"#),
    (#"{"spec":{"$retainKeys":["nodeName"],"nodeName":"n"}}"#, #"{"spec":{"nodeName":"n"}}"#),
    (#"{"spec":{"containers":null}}"#, #"{"spec":{}}"#),
  ])
  func `strategic merge patches`(patch: String, expected: String) throws {
    let patched = try StrategicMergePatch.patched(
      try Sample.object(Self.podWithTwo), try Sample.object(patch), schema: ResourceTable.pods.schema)
    #expect(patched == (try Sample.object(expected)))
  }

  @Test func `deleteFromPrimitiveList removes elements`() throws {
    let patched = try StrategicMergePatch.patched(
      try Sample.object(#"{"metadata":{"finalizers":["a","b"]}}"#),
      try Sample.object(#"{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"],"finalizers":["c"]}}"#),
      schema: ResourceTable.pods.schema)
    #expect(patched == ["metadata": ["finalizers": ["b", "c"]]])
  }

  @Test func `a strategic merge patch without the merge key is rejected`() {
    #expect(throws: APIFailure.self) {
      try StrategicMergePatch.patched([:], ["spec": ["containers": [["image": "x"]]]], schema: ResourceTable.pods.schema)
    }
  }

  @Test(arguments: [
    (#"[{"op":"add","path":"/a/-","value":3}]"#, #"{"a":[1,2,3],"b~/c":1}"#),
    (#"[{"op":"add","path":"/a/0","value":0}]"#, #"{"a":[0,1,2],"b~/c":1}"#),
    (#"[{"op":"remove","path":"/b~0~1c"}]"#, #"{"a":[1,2]}"#),
    (#"[{"op":"replace","path":"/a/1","value":{"x":1}},{"op":"test","path":"/a/1/x","value":1}]"#, #"{"a":[1,{"x":1}],"b~/c":1}"#),
    (#"[{"op":"move","from":"/a","path":"/d"}]"#, #"{"d":[1,2],"b~/c":1}"#),
    (#"[{"op":"copy","from":"/a/0","path":"/e"}]"#, #"{"a":[1,2],"b~/c":1,"e":1}"#),
  ])
  func `JSON patches`(patch: String, expected: String) throws {
    #expect(try JSONPatch.patched(try Sample.object(#"{"a":[1,2],"b~/c":1}"#), try Sample.object(patch)) == (try Sample.object(expected)))
  }

  @Test(arguments: [
    #"[{"op":"test","path":"/a","value":2}]"#, #"[{"op":"remove","path":"/x"}]"#, #"[{"op":"replace","path":"/x","value":1}]"#,
    #"[{"op":"add","path":"/l/9","value":1}]"#, #"[{"op":"add","path":"/a/b","value":1}]"#, #"[{"op":"fly","path":"/a"}]"#, "{}",
  ])
  func `invalid JSON patches are rejected`(patch: String) throws {
    let target = try Sample.object(#"{"a":1,"l":[]}"#)
    let patch = try Sample.object(patch)
    #expect(throws: APIFailure.self) { try JSONPatch.patched(target, patch) }
  }
}
