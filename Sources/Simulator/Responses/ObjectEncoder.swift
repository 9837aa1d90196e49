import FoundationEssentials
import JSON

/// Encodes objects, lists and watch events of one kind in one form.
struct ObjectEncoder: Sendable {
  var kind: ResourceKind
  var form: ResponseForm
  /// The reference time of ages in tables.
  var now: Date

  /// - Throws: `APIFailure` 500 if a stored object does not parse, which is a bug.
  func object(_ object: StoredObject) throws(APIFailure) -> [UInt8] {
    switch (form.encoding, form.shape) {
    case (.protobuf, _):
      return ProtobufEnvelope.wrap(object.protobuf, apiVersion: kind.apiVersion, kind: kind.kind)
    case (.json, .objects):
      return try object.json(as: kind)
    case (.json, .table):
      return table(columns: true, rows: [try row(object)], metadata: ["resourceVersion": .string(String(object.version))]).bytes
    case (.json, .metadata):
      return try partial(object).bytes
    }
  }

  /// Writes the list in pieces of about `pieceSize`.
  func list(_ page: ListPage, to write: ([UInt8]) async throws -> Void) async throws {
    if form.encoding == .protobuf { return try await protobufList(page, to: write) }
    var piece = listStart(page)
    for (index, item) in page.items.enumerated() {
      if index > 0 { piece.append(UInt8(ascii: ",")) }
      switch form.shape {
      case .objects: piece += kind.isCustom || kind.view != nil ? try item.json(as: kind) : item.json
      case .table: piece += try row(item).bytes
      case .metadata: piece += try partial(item).bytes
      }
      if piece.count >= Self.pieceSize {
        try await write(piece)
        piece.removeAll(keepingCapacity: true)
      }
    }
    try await write(piece + "]}".utf8)
  }

  /// One event of a watch; the first one of a table has the column definitions.
  func event(_ type: String, _ object: StoredObject, isFirst: Bool) throws(APIFailure) -> [UInt8] {
    switch (form.encoding, form.shape) {
    case (.json, .table):
      return frame(
        type,
        table(columns: isFirst, rows: [try row(object)], metadata: ["resourceVersion": .string(String(object.version))]).bytes)
    case (.protobuf, _):
      return ProtobufEnvelope.watchFrame(type: type, message: object.protobuf, apiVersion: kind.apiVersion, kind: kind.kind)
    default:
      return frame(type, try self.object(object))
    }
  }

  /// A bookmark: an object of the kind with a resource version and nothing else.
  func bookmark(version: UInt64, endsInitialEvents: Bool) -> [UInt8] {
    var metadata: JSONValue = ["resourceVersion": .string(String(version)), "creationTimestamp": nil]
    if endsInitialEvents { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
    let object: JSONValue = ["apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind), "metadata": metadata]
    switch (form.encoding, form.shape) {
    case (.protobuf, _):
      let message = kind.message.map { ProtobufEncoder.encode(object, as: $0) } ?? []
      return frame("BOOKMARK", ProtobufEnvelope.wrap(message, apiVersion: kind.apiVersion, kind: kind.kind))
    case (.json, .table):
      return frame("BOOKMARK", table(columns: false, rows: [], metadata: ["resourceVersion": .string(String(version))]).bytes)
    case (.json, .metadata):
      return frame("BOOKMARK", Self.partial(object).bytes)
    case (.json, .objects):
      return frame("BOOKMARK", object.bytes)
    }
  }

  func failure(_ failure: APIFailure) -> [UInt8] {
    frame("ERROR", Self.failure(failure, encoding: form.encoding))
  }

  static func failure(_ failure: APIFailure, encoding: ResponseForm.Encoding) -> [UInt8] {
    switch encoding {
    case .json: failure.status.bytes
    case .protobuf: ProtobufEnvelope.wrap(ProtobufEncoder.encode(failure.status, as: .status), apiVersion: "v1", kind: "Status")
    }
  }

  /// Wraps an encoded object in an event: a line of JSON, or a length and a WatchEvent message.
  private func frame(_ type: String, _ object: [UInt8]) -> [UInt8] {
    switch form.encoding {
    case .json: Array("{\"type\":\"\(type)\",\"object\":".utf8) + object + "}\n".utf8
    case .protobuf: ProtobufEnvelope.watchFrame(type: type, object: object)
    }
  }

  // MARK: Lists

  /// In bytes; larger pieces are not faster.
  static let pieceSize = 262_144

  private func listStart(_ page: ListPage) -> [UInt8] {
    let metadata = Self.metadata(of: page)
    var head: JSONValue
    switch form.shape {
    case .objects: head = ["apiVersion": .string(kind.apiVersion), "kind": .string(kind.kind + "List"), "metadata": metadata]
    case .table: head = table(columns: true, rows: nil, metadata: metadata)
    case .metadata: head = ["apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList", "metadata": metadata]
    }
    return head.bytes.dropLast() + (form.shape == .table ? ",\"rows\":[" : ",\"items\":[").utf8
  }

  static func metadata(of page: ListPage) -> JSONValue {
    var metadata: JSONValue = ["resourceVersion": .string(String(page.version))]
    if !page.continuation.isEmpty { metadata["continue"] = .string(page.continuation) }
    if let remaining = page.remaining { metadata["remainingItemCount"] = .integer(Int64(remaining)) }
    return metadata
  }

  private func protobufList(_ page: ListPage, to write: ([UInt8]) async throws -> Void) async throws {
    var piece = ProtobufEnvelope.listStart(
      metadata: ProtobufEncoder.encode(Self.metadata(of: page), as: .listMeta), itemSizes: page.items.map(\.protobufSize),
      apiVersion: kind.apiVersion, kind: kind.kind + "List")
    for item in page.items {
      ProtobufEnvelope.appendListItem(item.protobuf, to: &piece)
      if piece.count >= Self.pieceSize {
        try await write(piece)
        piece.removeAll(keepingCapacity: true)
      }
    }
    try await write(piece)
  }

  // MARK: Shapes

  private func table(columns: Bool, rows: [JSONValue]?, metadata: JSONValue) -> JSONValue {
    var table: JSONValue = ["apiVersion": "meta.k8s.io/v1", "kind": "Table", "metadata": metadata]
    table["columnDefinitions"] = columns ? .array(kind.columns.map(\.definition)) : []
    if let rows { table["rows"] = .array(rows) }
    return table
  }

  private func row(_ object: StoredObject) throws(APIFailure) -> JSONValue {
    let value = try object.decoded(as: kind.storage)
    return ["cells": .array(kind.columns.map { $0.cell(value, now) }), "object": Self.partial(value)]
  }

  private func partial(_ object: StoredObject) throws(APIFailure) -> JSONValue {
    Self.partial(try object.decoded(as: kind))
  }

  private static func partial(_ object: JSONValue) -> JSONValue {
    ["apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"] ?? [:]]
  }
}
