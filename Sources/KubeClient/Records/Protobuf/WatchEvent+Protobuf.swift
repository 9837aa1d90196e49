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
