internal import FoundationEssentials
internal import JSON

/// What a watch reports.
enum WatchEvent<Value: Record>: Equatable, Sendable {
  /// ADDED or MODIFIED: there is this object now.
  case put(Value)
  /// DELETED; the version is that of the deletion.
  case remove(ObjectKey, resourceVersion: String)
  /// BOOKMARK: nothing else happened up to this version. One of them says that all that was there when the watch began has been sent.
  case bookmark(resourceVersion: String, endsInitialEvents: Bool = false)
  /// ERROR: the stream is over, and why.
  case error(APIStatus)
}

extension WatchEvent {
  /// The annotation of the bookmark at the end of the initial events: `InitialEventsAnnotationKey` in
  /// k8s.io/apimachinery/pkg/apis/meta/v1/types.go.
  static var initialEventsEnd: String { "k8s.io/initial-events-end" }

  /// - Parameter type: as `metav1.WatchEvent` has it, but no bookmark.
  /// - Throws: `RecordError` for a type that does not exist, and for an object without a name.
  init(type: String, record: Value) throws(RecordError) {
    switch type {
    case "ADDED", "MODIFIED": self = .put(try record.named())
    case "DELETED": self = .remove(try record.named().key, resourceVersion: record.resourceVersion)
    default: throw RecordError("a watch event of type '\(type)'")
    }
  }
}

extension Record {
  /// Itself, if it has a name.
  func named() throws(RecordError) -> Self {
    guard hasName else { throw RecordError("an object without metadata.name") }
    return self
  }
}

extension WatchEvent {
  /// Reads a frame of a watch: a `WatchEvent` without an envelope, whose object is in one.
  ///
  /// Source: k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto (`WatchEvent`: type 1, object 2) and
  /// k8s.io/apimachinery/pkg/runtime/generated.proto (`RawExtension`: raw 1).
  init(
    protobuf frame: Range<Int>, in bytes: RawSpan, kind: String, reading read: (Range<Int>, RawSpan) throws(RecordError) -> Value
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
    guard envelope.kind == kind else { throw RecordError("kind '\(envelope.kind)' where a \(kind) was asked for") }
    if type == "BOOKMARK" {
      try self.init(bookmark: envelope, in: bytes)
    } else {
      try self.init(type: type, record: try read(envelope.object, bytes))
    }
  }

  /// An object of which only the metadata means anything; every kind has them as field 1.
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

/// An event of a watch as it stands in JSON: `{"type": …, "object": …}`.
struct WireEvent<Wire: Decodable>: Decodable {
  enum Content {
    case object(Wire, kind: String)
    /// An object of which only the metadata means anything.
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
      guard found == kind else { throw RecordError("kind '\(found)' where a \(kind) was asked for") }
    case .status: break
    }
    return event
  }

  func event<Value: Record>(_ convert: (Wire) throws -> Value) throws -> WatchEvent<Value> {
    switch content {
    case .status(let status): .error(status)
    case .bookmark(let metadata, _):
      .bookmark(
        resourceVersion: metadata.resourceVersion ?? "",
        endsInitialEvents: metadata.annotations?[WatchEvent<Value>.initialEventsEnd] == "true")
    case .object(let object, _): try WatchEvent(type: type, record: try convert(object))
    }
  }
}
