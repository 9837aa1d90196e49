import HTTPTransport
import JSON
import TestSupport
import Testing

@testable import KubeClient

// Single requests as the reflector sends them.
extension Fixture {
  func page<Value: Record>(
    _ resource: APIResource, _ decoder: RecordDecoder<Value>, _ selection: Selection, limit: Int? = nil, continue token: String? = nil,
    accept: String = MediaType.json
  ) async throws -> RecordPage<Value> {
    let response = try await client.send(.list(resource, selection, limit: limit, continue: token, accept: accept), limits: .page)
    guard try WireFormat(contentType: response.contentType) == WireFormat(contentType: accept) else {
      throw Unexpected(description: "content type \(response.contentType) instead of \(accept)")
    }
    return try decoder.page(response.body, contentType: response.contentType)
  }

  func watch<Value: Record>(
    _ resource: APIResource, _ decoder: RecordDecoder<Value>, _ selection: Selection, from version: String, timeoutSeconds: Int = 60,
    accept: String = MediaType.json
  ) async throws -> WatchStream<Value> {
    let request = APIRequest.watch(resource, selection, from: version, timeoutSeconds: timeoutSeconds, accept: accept)
    let limits = RequestLimits(deadline: .seconds(timeoutSeconds + 30), maximumBodyBytes: .max)
    let stream = try await client.open(request, limits: limits)
    return try WatchStream(stream, decoder: decoder, policy: .standard, store: Store(), hasInitialEvents: false)
  }

  /// Reads a resource in both formats by list and by watch, compares them, and returns the listed records.
  func readTwice<Value: Record>(
    _ resource: APIResource, _ decoder: RecordDecoder<Value>, _ selection: Selection, from version: String
  ) async throws -> [Value] {
    let json = try await page(resource, decoder, selection, accept: MediaType.json)
    let protobuf = try await page(resource, decoder, selection, accept: MediaType.protobuf)
    #expect(json.records == protobuf.records)
    #expect(!json.records.isEmpty)
    var changes: [[RecordChange<Value>]] = []
    for accept in [MediaType.json, MediaType.protobuf] {
      var stream = try await watch(resource, decoder, selection, from: version, accept: accept)
      changes.append(try await stream.changes(json.records.count))
    }
    let count = changes.map(\.count).min() ?? 0
    #expect(Array(changes[0].prefix(count)) == Array(changes[1].prefix(count)))
    return protobuf.records
  }

  struct Unexpected: Error, CustomStringConvertible {
    var description: String
  }
}

extension WatchStream {
  /// The next changes. The stream must not deliver more than `count`.
  mutating func changes(_ count: Int) async throws -> [RecordChange<Value>] {
    var changes: [RecordChange<Value>] = []
    while changes.count < count {
      guard case .changes(let more, _) = await next() else { throw Fixture.Unexpected(description: "the watch ended after \(changes)") }
      changes += more
    }
    return changes
  }
}

/// A ConfigMap with one value.
struct ValueRecord: Record {
  var key: ObjectKey
  var resourceVersion: String
  var value: String

  static let decoder = RecordDecoder<ValueRecord>(kind: "ConfigMap") { object in
    ValueRecord(
      key: ObjectKey(namespace: object["metadata"]?["namespace"]?.string ?? "", name: object["metadata"]?["name"]?.string ?? ""),
      resourceVersion: object["metadata"]?["resourceVersion"]?.string ?? "", value: object["data"]?["key"]?.string ?? "")
  }
}

extension JSONValue {
  var resourceVersion: String? { self["metadata"]?["resourceVersion"]?.string }
  var name: String? { self["metadata"]?["name"]?.string }
}
