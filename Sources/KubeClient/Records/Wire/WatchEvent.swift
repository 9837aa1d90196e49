internal import FoundationEssentials
internal import JSON

/// An event of a watch.
enum WatchEvent<Value: Record>: Equatable, Sendable {
  /// ADDED or MODIFIED.
  case put(Value)
  /// DELETED, with the version of the deletion.
  case remove(ObjectKey, resourceVersion: String)
  /// BOOKMARK. Marks the end of the initial events if `endsInitialEvents`.
  case bookmark(resourceVersion: String, endsInitialEvents: Bool = false)
  /// ERROR. The stream ends after it.
  case error(APIStatus)
}

extension WatchEvent {
  /// Annotates the bookmark that ends the initial events: `InitialEventsAnnotationKey` in
  /// k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
  static var initialEventsEnd: String { "k8s.io/initial-events-end" }

  /// - Parameter type: as in `metav1.WatchEvent`, but not BOOKMARK or ERROR.
  /// - Throws: `RecordError` for an unknown type, and for an object without a name.
  init(type: String, object: DecodedObject<Value>) throws(RecordError) {
    switch (type, object) {
    case ("ADDED", .record(let record)), ("MODIFIED", .record(let record)): self = .put(try record.named())
    case ("DELETED", .record(let record)): self = .remove(try record.named().key, resourceVersion: record.resourceVersion)
    // The stream has advanced and the store has not changed, which is what a bookmark says.
    case ("ADDED", .leftOut(let version)), ("MODIFIED", .leftOut(let version)), ("DELETED", .leftOut(let version)):
      self = .bookmark(resourceVersion: version)
    default: throw RecordError("unknown watch event type '\(type)'")
    }
  }
}

extension Record {
  /// Returns the record, if the object has a name.
  func named() throws(RecordError) -> Self {
    guard hasName else { throw RecordError("an object without metadata.name") }
    return self
  }
}

extension WatchEvent {
  /// Reads a frame of a watch: a `WatchEvent` without an envelope; its object has one.
  ///
  /// Source: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`WatchEvent`: type 1, object 2) and
  /// k8s.io/apimachinery/pkg/runtime/generated.proto (`RawExtension`: raw 1).
  init(
    protobuf frame: Range<Int>, in bytes: RawSpan, kind: String,
    reading read: (Range<Int>, RawSpan) throws(RecordError) -> DecodedObject<Value>
  ) throws(RecordError) {
    var type = ""
    var raw: Range<Int> = frame.upperBound..<frame.upperBound
    var fields = ProtobufFields(frame)
    while let field = try fields.next(in: bytes) {
      switch field.number {
      case 1: type = try field.string(in: bytes)
      case 2:
        var extensionFields = try field.fields()
        while let field = try extensionFields.next(in: bytes) {
          if field.number == 1 { raw = try field.range() }
        }
      default: break
      }
    }
    let envelope = try ProtobufEnvelope(raw, in: bytes)
    if type == "ERROR" {
      self = .error(try APIStatus(protobuf: envelope, in: bytes))
      return
    }
    guard envelope.kind == kind else { throw RecordError("kind '\(envelope.kind)' instead of \(kind)") }
    if type == "BOOKMARK" {
      try self.init(bookmark: envelope, in: bytes)
    } else {
      try self.init(type: type, object: try read(envelope.object, bytes))
    }
  }

  /// Only the metadata of a bookmark's object is meaningful. It is field 1 of every kind.
  private init(bookmark: ProtobufEnvelope, in bytes: RawSpan) throws(RecordError) {
    let filter = MetadataFilter(keepsLabels: false, annotationPrefixes: [Self.initialEventsEnd])
    var metadata = ProtobufMetadata()
    var fields = ProtobufFields(bookmark.object)
    while let field = try fields.next(in: bytes) {
      if field.number == 1 { metadata = try ProtobufMetadata(field, in: bytes, keeping: filter) }
    }
    let endsInitialEvents = metadata.annotations.contains {
      bytes.text($0.key) == Self.initialEventsEnd && bytes.text($0.value) == "true"
    }
    self = .bookmark(resourceVersion: bytes.text(metadata.resourceVersion), endsInitialEvents: endsInitialEvents)
  }
}

/// A watch event in JSON: `{"type": …, "object": …}`.
struct WireEvent<Wire: Decodable>: Decodable {
  enum Content {
    case object(Wire, kind: String)
    /// Only the metadata of the object is meaningful.
    case bookmark(WireMetadata, kind: String)
    case status(APIStatus)
  }
  var type: String
  var content: Content

  private enum Member: CodingKey { case type, object }
  private enum ObjectMember: CodingKey { case kind, metadata }

  init(from decoder: any Decoder) throws {
    let members = try decoder.container(keyedBy: Member.self)
    type = try members.decode(String.self, forKey: .type)
    if type == "ERROR" {
      content = .status(APIStatus(try members.decode(JSONValue.self, forKey: .object)))
    } else {
      let object = try members.nestedContainer(keyedBy: ObjectMember.self, forKey: .object)
      let kind = try object.decodeIfPresent(String.self, forKey: .kind) ?? ""
      content =
        type == "BOOKMARK"
        ? .bookmark(try object.decode(WireMetadata.self, forKey: .metadata), kind: kind)
        : .object(try members.decode(Wire.self, forKey: .object), kind: kind)
    }
  }

  static func read(_ data: Data, kind: String) throws -> WireEvent {
    let event = try JSONDecoder().decode(WireEvent.self, from: data)
    switch event.content {
    case .object(_, let found), .bookmark(_, let found):
      guard found == kind else { throw RecordError("kind '\(found)' instead of \(kind)") }
    case .status: break
    }
    return event
  }

  func event<Value: Record>(_ convert: (Wire) throws -> DecodedObject<Value>) throws -> WatchEvent<Value> {
    switch content {
    case .status(let status): .error(status)
    case .bookmark(let metadata, _):
      .bookmark(
        resourceVersion: metadata.resourceVersion ?? "",
        endsInitialEvents: metadata.annotations?[WatchEvent<Value>.initialEventsEnd] == "true")
    case .object(let object, _): try WatchEvent(type: type, object: try convert(object))
    }
  }
}
