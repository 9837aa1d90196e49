import JSON

/// One version of one object, immutable. Objects from clients are kept encoded, so that lists and watches only copy bytes; objects of a
/// population are encoded on each use, so that a million of them fit into memory.
final class StoredObject: Sendable {
  let key: String
  let namespace: String
  let name: String
  let version: UInt64
  private let content: Content

  private enum Content: Sendable {
    case encoded(EncodedObject)
    case generated(GeneratedObject)
  }

  private struct EncodedObject: Sendable {
    var uid: String
    var labels: [String: String]
    var selectable: [String]
    var json: [UInt8]
    var protobuf: [UInt8]
  }

  /// Encodes an object with complete metadata.
  init(_ object: JSONValue, kind: ResourceKind, version: UInt64) {
    var object = object
    object["apiVersion"] = nil
    object["kind"] = nil
    object.setMetadata("resourceVersion", .string(String(version)))
    namespace = object.namespace
    name = object.name
    key = kind.key(namespace: namespace, name: name)
    self.version = version
    content = .encoded(
      EncodedObject(
        uid: object.uid, labels: object.labels, selectable: kind.selectableFields.map { $0.value(in: object) }, json: object.bytes.trimmed,
        protobuf: kind.message.map { ProtobufEncoder.encode(object, as: $0).trimmed } ?? []))
  }

  init(_ object: GeneratedObject, kind: ResourceKind, version: UInt64) {
    let texts = object.texts(version: version)
    switch object.subject {
    case .node:
      namespace = ""
      name = texts.nodeName
    case .pod:
      namespace = texts.text(.namespace)
      name = texts.podName
    }
    key = kind.key(namespace: namespace, name: name)
    self.version = version
    content = .generated(object)
  }

  // MARK: Members

  var uid: String {
    switch content {
    case .encoded(let object): object.uid
    case .generated(let object): object.texts(version: version).text(.uid)
    }
  }

  var labels: [String: String] {
    switch content {
    case .encoded(let object): object.labels
    case .generated(let object): (selectorInput(of: object)["labels"]?.object ?? [:]).compactMapValues(\.string)
    }
  }

  /// The values of the kind's selectable fields, in the order of `ResourceKind.selectableFields`.
  var selectable: [String] {
    switch content {
    case .encoded(let object): object.selectable
    case .generated(let object): (selectorInput(of: object)["selectable"]?.array ?? []).map { $0.string ?? "" }
    }
  }

  /// The object in JSON without `apiVersion` and `kind`, which lists of built-in kinds omit.
  var json: [UInt8] {
    switch content {
    case .encoded(let object): object.json
    case .generated(let object): object.pattern.json.filled(with: object.texts(version: version))
    }
  }

  /// The object in protobuf; empty if the kind has no message.
  var protobuf: [UInt8] {
    switch content {
    case .encoded(let object): object.protobuf
    case .generated(let object): object.pattern.protobuf.filled(with: object.texts(version: version))
    }
  }

  var protobufSize: Int {
    switch content {
    case .encoded(let object): object.protobuf.count
    case .generated(let object): object.pattern.protobuf.count
    }
  }

  /// Whether this is an object of a population that no client has written to.
  var isGenerated: Bool {
    if case .generated = content { return true }
    return false
  }

  private func selectorInput(of object: GeneratedObject) -> JSONValue {
    // This module wrote the pattern, so it parses.
    (try? JSONValue(parsing: object.pattern.selectorInput.filled(with: object.texts(version: version)))) ?? [:]
  }

  // MARK: Decoding

  /// The object as a value, with `apiVersion` and `kind`.
  /// - Throws: `APIFailure` 500 if the stored bytes do not parse, which is a bug.
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

  /// The object in JSON with `apiVersion` and `kind`.
  func json(as kind: ResourceKind) throws(APIFailure) -> [UInt8] {
    if kind.view != nil { return try decoded(as: kind).bytes }
    return Array("{\"apiVersion\":\"\(kind.apiVersion)\",\"kind\":\"\(kind.kind)\",".utf8) + json.dropFirst()
  }
}

extension [UInt8] {
  /// The same bytes without spare capacity, which would be up to half of the memory of all objects.
  fileprivate var trimmed: [UInt8] {
    withUnsafeBufferPointer { Array($0) }
  }
}
