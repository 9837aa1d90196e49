import JSON

/// One version of one object, immutable and already encoded, so that lists and watches only copy bytes.
final class StoredObject: Sendable {
  let key: String
  let namespace: String
  let name: String
  let uid: String
  let version: UInt64
  let labels: [String: String]
  /// The values of the kind's selectable fields, in their order.
  let selectable: [String]
  /// The object as JSON text, without `apiVersion` and `kind`: lists of built-in kinds leave them out.
  let json: [UInt8]
  /// The object as its kind's protobuf message; empty for kinds that have none.
  let protobuf: [UInt8]

  /// Encodes the object, whose metadata is complete.
  init(_ object: JSONValue, kind: ResourceKind, version: UInt64) {
    var object = object
    object["apiVersion"] = nil
    object["kind"] = nil
    object.setMetadata("resourceVersion", .string(String(version)))
    namespace = object.namespace
    name = object.name
    key = kind.key(namespace: namespace, name: name)
    uid = object.uid
    self.version = version
    labels = object.labels
    selectable = kind.selectableFields.map { $0.value(in: object) }
    json = object.bytes.trimmed
    protobuf = kind.message.map { ProtobufEncoder.encode(object, as: $0).trimmed } ?? []
  }

  /// The object as a value, with its `apiVersion` and `kind`.
  /// - Throws: never for what `init` has encoded.
  func decoded(as kind: ResourceKind) throws(APIFailure) -> JSONValue {
    do {
      var object = kind.shown(try JSONValue(parsing: json))
      object["apiVersion"] = .string(kind.apiVersion)
      object["kind"] = .string(kind.kind)
      return object
    } catch {
      throw APIFailure(code: 500, reason: "InternalError", message: "stored \(kind.kind) \(key) cannot be read: \(error)")
    }
  }

  /// The text with `apiVersion` and `kind`.
  func json(as kind: ResourceKind) throws(APIFailure) -> [UInt8] {
    if kind.view != nil { return try decoded(as: kind).bytes }
    return Array("{\"apiVersion\":\"\(kind.apiVersion)\",\"kind\":\"\(kind.kind)\",".utf8) + json.dropFirst()
  }
}

extension [UInt8] {
  /// The same bytes without room to grow, which would be up to half of the memory of all objects.
  fileprivate var trimmed: [UInt8] {
    withUnsafeBufferPointer { Array($0) }
  }
}
