import JSON
import Primitives
import TestSupport
import Testing

@testable import KubeClient

@Suite(.ownThread) struct RecordTests {
  @Test func `a Node from JSON and protobuf`() throws {
    let protobuf = Samples.list(kind: "NodeList", [Samples.node], version: "5000")
    let json = #"{"kind":"NodeList","metadata":{"resourceVersion":"5000"},"items":[\#(Samples.nodeJSON)]}"#
    let expected = RecordPage(records: [Samples.nodeRecord], resourceVersion: "5000")
    #expect(try Samples.nodes.page(protobuf, contentType: "application/vnd.kubernetes.protobuf") == expected)
    #expect(try Samples.nodes.page(Array(json.utf8), contentType: "application/json; charset=utf-8") == expected)
  }

  @Test func `a Pod from JSON and protobuf`() throws {
    let protobuf = Samples.list(kind: "PodList", [Samples.pod], version: "5000", token: "more")
    let json = #"{"kind":"PodList","metadata":{"resourceVersion":"5000","continue":"more"},"items":[\#(Samples.podJSON)]}"#
    let expected = RecordPage(records: [Samples.podRecord], resourceVersion: "5000", continueToken: "more")
    #expect(try Samples.pods.page(protobuf, contentType: "application/vnd.kubernetes.protobuf") == expected)
    #expect(try Samples.pods.page(Array(json.utf8), contentType: "application/json") == expected)
  }

  @Test
  func `an object with few fields is the same record from both formats`() throws {
    let node = ProtobufEncoder { $0.message(1) { $0.string(1, "a") } }.bytes
    let pod = ProtobufEncoder {
      $0.message(1) {
        $0.string(1, "b")
        $0.string(3, "n")
      }
      $0.message(2) { $0.message(2) { $0.string(1, "c") } }
      $0.message(3) {
        $0.string(6, "10.0.0.1")
        $0.message(8) { $0.string(1, "c") }
        $0.message(8) { $0.string(1, "of-no-specification") }
      }
    }.bytes
    let podJSON = """
      {"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[{"metadata":{"name":"b","namespace":"n"},\
      "spec":{"containers":[{"name":"c"}],"initContainers":null,"nodeName":""},"status":{"podIP":"10.0.0.1",\
      "containerStatuses":[{"name":"c","state":{}},{"name":"of-no-specification"}]}}]}
      """
    let expectedPod = PodRecord(namespace: "n", name: "b", podIPs: ["10.0.0.1"], containers: [ContainerRecord(name: "c")])
    #expect(try page(Samples.nodes, kind: "Node", [node]) == [NodeRecord(name: "a")])
    #expect(
      try Samples.nodes.page(Array(Samples.nodeListJSON(["a"], version: 1).utf8), contentType: "application/json").records
        == [NodeRecord(name: "a", resourceVersion: "1")])
    #expect(try page(Samples.pods, kind: "Pod", [pod]) == [expectedPod])
    #expect(try Samples.pods.page(Array(podJSON.utf8), contentType: "application/json").records == [expectedPod])
  }

  @Test(arguments: [("False", false), ("Unknown", false), ("True", true)])
  func `a Node with an unknown condition is not ready`(_ status: String, _ ready: Bool) throws {
    let node = ProtobufEncoder {
      $0.message(1) { $0.string(1, "a") }
      $0.message(3) {
        $0.message(4) {
          $0.string(1, "Ready")
          $0.string(2, status)
        }
      }
    }.bytes
    #expect(try page(Samples.nodes, kind: "Node", [node]).first?.ready == ready)
  }

  @Test func `annotations are kept only by prefix`() throws {
    #expect(try page(.nodes(), kind: "Node", [Samples.node]).first?.annotations == [:])
    #expect(try page(.nodes(annotationPrefixes: ["kubectl"]), kind: "Node", [Samples.node]).first?.annotations.count == 1)
  }

  @Test
  func `other kinds, other formats and objects without a name are errors`() {
    let protobuf = "application/vnd.kubernetes.protobuf"
    let podList = Samples.list(kind: "PodList", [Samples.pod], version: "1")
    #expect(throws: RecordError.self) { try Samples.nodes.page(podList, contentType: protobuf) }
    #expect(throws: RecordError.self) { try Samples.pods.page(podList, contentType: "text/html") }
    #expect(throws: RecordError.self) { try Samples.pods.page(podList, contentType: "application/json") }
    #expect(throws: RecordError.self) { try Samples.pods.page(Array("{}".utf8), contentType: "application/json") }
    #expect(throws: RecordError.self) { try Samples.pods.page(Samples.list(kind: "PodList", [[]], version: "1"), contentType: protobuf) }
    #expect(throws: RecordError.self) { try Samples.pods.page(Samples.list(kind: "PodList", [], version: ""), contentType: protobuf) }
    #expect(throws: RecordError.self) {
      try Samples.nodes.page(Array(Samples.nodeListJSON([""], version: 1).utf8), contentType: "application/json")
    }
  }

  @Test
  func `a custom decoder reads custom resources`() throws {
    struct Monitor: Record {
      var key: ObjectKey
      var resourceVersion: String
      var interval: String
    }
    let decoder = RecordDecoder<Monitor>(kind: "ServiceMonitor") { object in
      Monitor(
        key: ObjectKey(namespace: object["metadata"]?["namespace"]?.string ?? "", name: object["metadata"]?["name"]?.string ?? ""),
        resourceVersion: object["metadata"]?["resourceVersion"]?.string ?? "", interval: object["spec"]?["interval"]?.string ?? "")
    }
    let list = """
      {"kind":"ServiceMonitorList","metadata":{"resourceVersion":"9"},
       "items":[{"metadata":{"name":"a","namespace":"b","resourceVersion":"8"},"spec":{"interval":"15s"}}]}
      """
    #expect(
      try decoder.page(Array(list.utf8), contentType: "application/json").records
        == [Monitor(key: ObjectKey(namespace: "b", name: "a"), resourceVersion: "8", interval: "15s")])
    #expect(decoder.accept == "application/json;drop=metadata.managedFields")
  }
}

@Suite struct HostileProtobufTests {
  @Test
  func `a truncated list is an error, not a shorter list`() {
    let whole = Samples.list(kind: "PodList", [Samples.pod], version: "1")
    for length in 0..<whole.count {
      #expect(throws: RecordError.self) {
        let page = try Samples.pods.page(Array(whole[..<length]), contentType: MediaType.protobuf)
        // Only the empty contentEncoding and contentType after the object may be missing.
        if page.records != [Samples.podRecord] { return }
        throw RecordError("whole")
      }
    }
  }

  @Test
  func `a changed byte never causes a crash`() {
    let whole = Samples.list(kind: "PodList", [Samples.pod], version: "1")
    var random = SplitMix64(seed: 7)
    for position in whole.indices {
      for _ in 0..<8 {
        var changed = whole
        changed[position] = UInt8.random(in: .min ... .max, using: &random)
        _ = try? Samples.pods.page(changed, contentType: MediaType.protobuf)
      }
    }
  }

  @Test(
    arguments: [
      [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],  // a length of 2^63 − 1
      [0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],  // of 2^64 − 1
      [0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],  // a number of eleven bytes
      [0x00], [0x80], [0x0b], [0x0c], [0x0e], [0x0f], [0x09, 1, 2, 3], [0x0d, 1, 2, 3],
      [0xf8, 0xff, 0xff, 0xff, 0xff, 0x01, 0x00],  // a field number of 2^32 − 1
    ] as [[UInt8]])
  func `lengths and numbers out of range are errors`(_ object: [UInt8]) {
    #expect(throws: RecordError.self) { try page(Samples.nodes, kind: "Node", [object]) }
  }

  @Test
  func `a field with a wrong wire type is an error`() {
    let node = ProtobufEncoder { $0.integer(1, 5) }.bytes
    let port = ProtobufEncoder { $0.message(3) { $0.message(6) { $0.message(1) { $0.string(1, "x") } } } }.bytes
    #expect(throws: RecordError.self) { try page(Samples.nodes, kind: "Node", [node]) }
    #expect(throws: RecordError.self) { try page(Samples.nodes, kind: "Node", [port]) }
  }

  @Test
  func `invalid UTF-8 and absurd times do not crash`() throws {
    let pod = ProtobufEncoder {
      $0.message(1) { $0.chunk(1, [0xff, 0x61]) }
      $0.message(2) { $0.message(2) { $0.string(1, "c") } }
      $0.message(3) {
        $0.message(8) {
          $0.string(1, "c")
          $0.message(2) { $0.message(2) { $0.message(1) { $0.integer(1, .max) } } }
        }
      }
    }.bytes
    let record = try #require(try page(Samples.pods, kind: "Pod", [pod]).first)
    #expect(record.name == "\u{fffd}a")
    #expect(record.containers.first?.state == .running(startedAtUnixMilliseconds: nil))
  }
}

/// The records of a protobuf page with these objects.
private func page<Value: Record>(_ decoder: RecordDecoder<Value>, kind: String, _ objects: [[UInt8]]) throws -> [Value] {
  try decoder.page(Samples.list(kind: "\(kind)List", objects, version: "1"), contentType: MediaType.protobuf).records
}
