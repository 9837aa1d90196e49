import Primitives
import Testing

@testable import KubeClient

@Suite struct PodSelectionTests {
  private static let half = NodeShard(0, of: 2)
  private static let ownNode = "worker-a"
  private static let foreignNode = "node-0"

  private struct Pod {
    var namespace = "shop"
    var name: String
    /// Empty for a Pod that is not scheduled.
    var node: String
    var version: String

    var protobuf: [UInt8] {
      ProtobufEncoder {
        $0.message(1) {
          $0.string(1, name)
          $0.string(3, namespace)
          $0.string(6, version)
        }
        $0.message(2) {
          $0.message(2) { $0.string(1, "app") }
          if !node.isEmpty { $0.string(10, node) }
        }
      }.bytes
    }

    var json: String {
      let metadata = #"{"namespace":"\#(namespace)","name":"\#(name)","resourceVersion":"\#(version)"}"#
      let nodeName = node.isEmpty ? "" : #","nodeName":"\#(node)""#
      return #"{"kind":"Pod","metadata":\#(metadata),"spec":{"containers":[{"name":"app"}]\#(nodeName)}}"#
    }
  }

  private static let pods = [
    Pod(name: "own", node: ownNode, version: "1"), Pod(name: "foreign", node: foreignNode, version: "2"),
    Pod(name: "pending", node: "", version: "3"),
    Pod(namespace: "rollcall", name: "rollcall-controller-1", node: foreignNode, version: "4"),
    Pod(namespace: "other", name: "rollcall-controller-1", node: foreignNode, version: "5"),
    Pod(namespace: "rollcall", name: "rollcall-agent-x", node: foreignNode, version: "6"),
  ]

  private func decoder(_ shard: NodeShard?) throws -> RecordDecoder<PodRecord> {
    .pods(
      annotationPrefixes: [], keepsScrapeFacts: false,
      selection: PodSelection(nodes: try #require(shard), others: (namespace: "rollcall", prefix: "rollcall-controller-")))
  }

  @Test func `the nodes of these tests are of different shards`() throws {
    let half = try #require(Self.half)
    #expect(half.contains(Self.ownNode))
    #expect(!half.contains(Self.foreignNode))
  }

  @Test func `R151: a list keeps the Pods of the shard's nodes and those that are selected by name`() throws {
    let protobuf = Samples.list(kind: "PodList", Self.pods.map(\.protobuf), version: "7", token: "")
    let json = #"{"kind":"PodList","metadata":{"resourceVersion":"7"},"items":[\#(Self.pods.map(\.json).joined(separator: ","))]}"#
    for (body, type) in [(protobuf, MediaType.protobuf), (Array(json.utf8), MediaType.json)] {
      let page = try decoder(Self.half).page(body, contentType: type)
      #expect(page.records.map(\.key.name) == ["own", "rollcall-controller-1"], "\(type)")
      #expect(page.records.map(\.key.namespace) == ["shop", "rollcall"], "\(type)")
      #expect(page.resourceVersion == "7")
      #expect(try decoder(.all).page(body, contentType: type).records.count == Self.pods.count, "\(type)")
    }
  }

  @Test(arguments: ["ADDED", "MODIFIED", "DELETED"])
  func `R151: the event of a Pod that is left out advances the version and changes nothing`(type: String) throws {
    for pod in Self.pods {
      let isKept = pod.name == "own" || pod.namespace == "rollcall" && pod.name == "rollcall-controller-1"
      let json = Array(#"{"type":"\#(type)","object":\#(pod.json)}"#.utf8)
      let protobuf = Array(ProtobufEncoder.frame(type, kind: "Pod", pod.protobuf).dropFirst(4))
      for (frame, format) in [(json, WireFormat.json), (protobuf, .protobuf)] {
        let event = try decoder(Self.half).event(frame.indices, of: frame, format: format, known: StoreSnapshot())
        switch event {
        case .put(let record): #expect(isKept && type != "DELETED" && record.name == pod.name)
        case .remove(let key, _): #expect(isKept && type == "DELETED" && key.name == pod.name)
        case .bookmark(let version, let endsInitialEvents): #expect(!isKept && version == pod.version && !endsInitialEvents)
        case .error: Issue.record("\(event)")
        }
      }
    }
  }

  @Test func `an event of an unknown type is an error, also of a Pod that is left out`() throws {
    let frame = Array(#"{"type":"RENAMED","object":\#(Self.pods[1].json)}"#.utf8)
    #expect(throws: RecordError.self) {
      try decoder(Self.half).event(frame.indices, of: frame, format: .json, known: StoreSnapshot())
    }
  }

  @Test func `R11: a truncated Pod is an error, whatever its node`() throws {
    for pod in Self.pods.prefix(3) {
      let list = Samples.list(kind: "PodList", [Array(pod.protobuf.dropLast(2))], version: "7", token: "")
      #expect(throws: RecordError.self) { try decoder(Self.half).page(list, contentType: MediaType.protobuf) }
    }
  }
}
