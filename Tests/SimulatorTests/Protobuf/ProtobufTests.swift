import JSON
import Testing

@testable import Simulator

/// A schemaless decoder: the fields by number and wire type.
private struct Wire {
  enum Value { case varint(UInt64), bytes([UInt8]) }

  var fields: [(number: Int, value: Value)] = []

  init?(_ bytes: some Sequence<UInt8>) {
    var iterator = bytes.makeIterator()
    func varint() -> UInt64? {
      var value: UInt64 = 0
      var shift: UInt64 = 0
      while let byte = iterator.next() {
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 { return value }
        shift += 7
      }
      return nil
    }
    while let tag = varint() {
      switch tag & 7 {
      case 0:
        guard let value = varint() else { return nil }
        fields.append((Int(tag >> 3), .varint(value)))
      case 2:
        guard let count = varint() else { return nil }
        var content: [UInt8] = []
        for _ in 0..<count {
          guard let byte = iterator.next() else { return nil }
          content.append(byte)
        }
        fields.append((Int(tag >> 3), .bytes(content)))
      default: return nil
      }
    }
  }

  func messages(_ number: Int) -> [Wire] {
    fields.compactMap { field in
      guard field.number == number, case .bytes(let bytes) = field.value else { return nil }
      return Wire(bytes)
    }
  }

  func texts(_ number: Int) -> [String] {
    fields.compactMap { field in
      guard field.number == number, case .bytes(let bytes) = field.value else { return nil }
      return String(decoding: bytes, as: UTF8.self)
    }
  }

  func number(_ number: Int) -> UInt64? {
    let numbers: [UInt64] = fields.compactMap { field in
      guard field.number == number, case .varint(let value) = field.value else { return nil }
      return value
    }
    return numbers.last
  }

  /// The message at this path of field numbers, following the first field of each number.
  func text(_ path: Int...) -> String? { walk(path.dropLast())?.texts(path[path.count - 1]).first }
  func number(at path: Int...) -> UInt64? { walk(path.dropLast())?.number(path[path.count - 1]) }

  private func walk(_ path: some Sequence<Int>) -> Wire? {
    path.reduce(Optional(self)) { $0?.messages($1).first }
  }

  /// The entries of a map field.
  func map(_ number: Int) -> [String: String] {
    Dictionary(messages(number).map { ($0.texts(1).first ?? "", $0.texts(2).first ?? "") }, uniquingKeysWith: { _, last in last })
  }
}

@Suite struct ProtobufTests {
  private func stored(_ object: JSONValue, _ kind: ResourceKind) throws -> StoredObject {
    var store = Sample.store()
    return try store.put(object, kind: kind, context: Sample.context(nil, part: .everything))
  }

  @Test func `a pod has the field numbers of the API`() throws {
    let stored = try stored(Sample.pod("web-1"), ResourceTable.pods)
    let message = try #require(Wire(stored.protobuf))
    #expect(message.text(1, 1) == "web-1")
    #expect(message.text(1, 3) == "default")
    #expect(message.text(1, 5) == stored.uid)
    #expect(message.text(1, 6) == String(stored.version))
    #expect(message.number(at: 1, 8, 1) == 1_700_000_000)
    #expect(message.messages(1).first?.map(11) == ["app": "web"])
    #expect(message.messages(1).first?.map(12) == ["rollcall.dev/ignore": "true"])
    #expect(message.text(1, 13, 1) == "ReplicaSet")
    #expect(message.number(at: 1, 13, 6) == 1)

    #expect(message.text(2, 10) == "node-1")
    #expect(message.number(at: 2, 11) == 1)
    #expect(message.text(2, 2, 1) == "main")
    #expect(message.text(2, 2, 2) == "nginx:1")
    #expect(message.number(at: 2, 2, 15, 10, 4) == 1)
    #expect(message.text(2, 20, 1) == "first")

    #expect(message.text(3, 1) == "Running")
    #expect(message.messages(3).first?.messages(12).compactMap { $0.text(1) } == ["10.0.0.7", "fd00::7"])
    #expect(message.text(3, 8, 8) == "containerd://abc")
    #expect(message.number(at: 3, 8, 2, 2, 1, 1) == 1_699_999_200)
    #expect(message.number(at: 3, 8, 5) == 3)
    #expect(message.text(3, 10, 2, 3, 3) == "Completed")
  }

  @Test func `volumes, probes and affinity have the field numbers of the API`() throws {
    let message = try #require(
      Wire(
        ProtobufEncoder.encode(
          Sample.object(
            """
            {"spec": {
              "volumes": [{"name": "v", "configMap": {"name": "c", "defaultMode": 420}}, {"name": "e", "emptyDir": {}}],
              "containers": [{"name": "main", "volumeMounts": [{"name": "v", "mountPath": "/etc/v", "readOnly": true}],
                "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
                "livenessProbe": {"httpGet": {"path": "/livez", "port": 8080}, "periodSeconds": 10},
                "readinessProbe": {"tcpSocket": {"port": "http"}}, "lifecycle": {"preStop": {"exec": {"command": ["stop"]}}}}],
              "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
                {"matchExpressions": [{"key": "os", "operator": "In", "values": ["linux"]}]}]}}}}}
            """), as: .pod)))
    let specification = try #require(message.messages(2).first)
    #expect(specification.messages(1).map { $0.text(1) } == ["v", "e"])
    #expect(specification.text(1, 2, 19, 1, 1) == "c" && specification.number(at: 1, 2, 19, 3) == 420)
    #expect(specification.messages(1).last?.messages(2).first?.messages(2).count == 1)
    #expect(specification.text(2, 9, 3) == "/etc/v" && specification.number(at: 2, 9, 2) == 1)
    #expect(specification.text(2, 7, 3, 4, 1, 1) == "s" && specification.text(2, 7, 3, 4, 2) == "k")
    #expect(specification.text(2, 10, 1, 2, 1) == "/livez" && specification.number(at: 2, 10, 1, 2, 2, 2) == 8_080)
    #expect(specification.number(at: 2, 10, 4) == 10)
    #expect(specification.number(at: 2, 11, 1, 3, 1, 1) == 1 && specification.text(2, 11, 1, 3, 1, 3) == "http")
    #expect(specification.text(2, 12, 2, 1, 1) == "stop")
    #expect(specification.text(18, 1, 1, 1, 1, 1) == "os" && specification.text(18, 1, 1, 1, 1, 3) == "linux")
  }

  @Test func `a node has the field numbers of the API`() throws {
    let message = try #require(Wire(try stored(Sample.node("n"), ResourceTable.nodes).protobuf))
    #expect(message.text(1, 1) == "n")
    #expect(message.text(3, 5, 1) == "InternalIP")
    #expect(message.text(3, 5, 2) == "10.1.1.1")
    #expect(message.text(3, 4, 1) == "Ready")
    #expect(message.text(3, 4, 2) == "True")
    #expect(message.number(at: 3, 6, 1, 1) == 10_250)
    #expect(message.text(3, 7, 9) == "linux")
    #expect(message.text(3, 7, 7) == "v1.32.1")
    let capacity = try #require(message.messages(3).first).messages(1).map { ($0.text(1) ?? "", $0.text(2, 1) ?? "") }
    #expect(Dictionary(uniqueKeysWithValues: capacity) == ["cpu": "4", "memory": "16Gi"])
  }

  @Test func `a list is an envelope with its items`() async throws {
    let items = try ["a", "b"].map { try stored(Sample.pod($0), ResourceTable.pods) }
    let encoder = ObjectEncoder(kind: ResourceTable.pods, form: ResponseForm(encoding: .protobuf), now: Sample.time)
    var bytes: [UInt8] = []
    try await encoder.list(ListPage(items: items, version: 42, continuation: "next", remaining: 7)) { bytes += $0 }
    #expect(bytes.prefix(4) == [0x6B, 0x38, 0x73, 0x00])
    let unknown = try #require(Wire(bytes.dropFirst(4)))
    #expect(unknown.text(1, 1) == "v1" && unknown.text(1, 2) == "PodList")
    let list = try #require(unknown.messages(2).first)
    #expect(list.text(1, 2) == "42" && list.text(1, 3) == "next")
    #expect(list.number(at: 1, 4) == 7)
    #expect(list.messages(2).map { $0.text(1, 1) } == ["a", "b"])
  }

  @Test func `a watch has frames with envelopes`() throws {
    let encoder = ObjectEncoder(kind: ResourceTable.pods, form: ResponseForm(encoding: .protobuf), now: Sample.time)
    let frame = try encoder.event("ADDED", try stored(Sample.pod("a"), ResourceTable.pods), isFirst: true)
    let length = frame.prefix(4).reduce(0) { $0 << 8 | Int($1) }
    #expect(length == frame.count - 4)
    let event = try #require(Wire(frame.dropFirst(4)))
    #expect(event.text(1) == "ADDED")
    let raw = try #require(event.messages(2).first?.fields.first)
    guard case .bytes(let envelope) = raw.value else {
      Issue.record("the object is not raw bytes")
      return
    }
    #expect(raw.number == 1 && envelope.prefix(4) == [0x6B, 0x38, 0x73, 0x00])
    #expect(Wire(envelope.dropFirst(4))?.text(2, 1, 1) == "a")
  }

  @Test func `failures and bookmarks are messages`() throws {
    let encoder = ObjectEncoder(kind: ResourceTable.pods, form: ResponseForm(encoding: .protobuf), now: Sample.time)
    func envelope(_ frame: [UInt8]) throws -> Wire {
      let event = try #require(Wire(frame.dropFirst(4)))
      guard case .bytes(let bytes)? = event.messages(2).first?.fields.first?.value else { throw NotAnEnvelope() }
      return try #require(Wire(bytes.dropFirst(4)))
    }
    let failure = try envelope(encoder.failure(.expired("too old")))
    #expect(failure.text(1, 2) == "Status" && failure.text(2, 2) == "Failure" && failure.text(2, 4) == "Expired")
    #expect(failure.number(at: 2, 6) == 410)
    let bookmark = try envelope(encoder.bookmark(version: 99, endsInitialEvents: true))
    #expect(bookmark.text(1, 2) == "Pod" && bookmark.text(2, 1, 6) == "99")
    #expect(bookmark.messages(2).first?.messages(1).first?.map(12) == ["k8s.io/initial-events-end": "true"])
  }

  @Test func `an encoded object decodes to itself`() throws {
    let object: JSONValue = [
      "apiVersion": "v1", "kind": "Secret", "metadata": ["name": "s", "labels": ["a": "b"], "deletionTimestamp": "2023-11-14T22:00:00Z"],
      "type": "Opaque", "data": ["key": "dmFsdWU="], "immutable": false,
    ]
    let message = ProtobufEncoder.encode(object, as: .secret)
    let envelope = ProtobufEnvelope.wrap(message, apiVersion: "v1", kind: "Secret")
    #expect(try ProtobufDecoder.object(envelope, as: .secret) == object)
  }

  @Test func `malformed messages are rejected`() {
    for bytes in [[], [1, 2, 3], [0x6B, 0x38, 0x73, 0, 0x12, 0x7F], [0x6B, 0x38, 0x73, 0, 0x0D], [0x6B, 0x38, 0x73, 0, 0xFF]] as [[UInt8]] {
      #expect(throws: APIFailure.self) { try ProtobufDecoder.object(bytes, as: .pod) }
    }
  }
}

private struct NotAnEnvelope: Error {}
